// Package picture makes a network's input of a picture, as its weights were trained to see it:
// pixel by pixel what Pillow and torchvision's presets make of it.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg" // for Read
	_ "image/png"
	"io"
	"slices"

	"github.com/cnnc-dev/cnnc/runtime"
)

// maxPixels is how large a picture Read decodes. A small file may claim to be any size.
const maxPixels = 1 << 27

// Read decodes a picture, JPEG or PNG or what else the program has image decoders for, of at
// most 134 million pixels. It is not turned as a camera's EXIF data may say; Pillow and
// torchvision do not either.
func Read(r io.Reader) (image.Image, error) {
	var head bytes.Buffer
	config, format, err := image.DecodeConfig(io.TeeReader(r, &head))
	if err != nil {
		return nil, err
	}
	if config.Width > maxPixels/max(1, config.Height) {
		return nil, fmt.Errorf("a %s picture of %d x %d pixels is over the limit of %d", format, config.Width, config.Height, maxPixels)
	}
	img, _, err := image.Decode(io.MultiReader(&head, r))
	return img, err
}

// Input returns [channels, height, width], what a network takes for a picture: as many
// floats as its input has. Transparency is dropped, as Pillow's convert("RGB") does. The
// Filter works in 8 bits, and reads as many pixels as it must not to alias.
func Input(img image.Image, p runtime.Preprocess) ([]float32, error) {
	if err := check(img, p); err != nil {
		return nil, err
	}
	size := img.Bounds().Size()
	short := min(size.X, size.Y)
	size.X, size.Y = size.X*p.Resize/short, size.Y*p.Resize/short
	crop := pixelsOf(img, p.Channels).resize(size.X, size.Y, p.Crop.W, p.Crop.H, p.Filter)
	out := make([]float32, len(crop.data))
	plane := crop.w * crop.h
	for i, v := range crop.data {
		c := i % crop.channels
		out[c*plane+i/crop.channels] = float32((float64(v)*p.Scale - p.Mean[c]) / p.Std[c])
	}
	return out, nil
}

func check(img image.Image, p runtime.Preprocess) error {
	channels := channelsOf(p.Channels)
	_, known := kernels[p.Filter]
	switch {
	case img.Bounds().Empty():
		return errors.New("the picture has no pixels")
	case channels == 0:
		return fmt.Errorf("channels %q are none of rgb, bgr and gray", p.Channels)
	case !known && p.Filter != "nearest":
		return fmt.Errorf("there is no filter %q", p.Filter)
	case p.Resize < 1 || p.Crop.W < 1 || p.Crop.H < 1:
		return fmt.Errorf("the sizes to resize to, %d, and to cut out, %d x %d, must be positive", p.Resize, p.Crop.W, p.Crop.H)
	case len(p.Mean) != channels || len(p.Std) != channels || slices.Contains(p.Std, 0):
		return fmt.Errorf("means %v and deviations %v are not those of %d channels", p.Mean, p.Std, channels)
	}
	return nil
}

func channelsOf(order string) int {
	switch order {
	case "rgb", "bgr":
		return 3
	case "gray":
		return 1
	}
	return 0
}

// pixels is 8-bit values [h][w][channels].
type pixels struct {
	w, h, channels int
	data           []uint8
}

// pixelsOf returns a picture's values in an order of channels.
func pixelsOf(img image.Image, order string) *pixels {
	rgba, stride := bytesOf(img)
	p := &pixels{w: img.Bounds().Dx(), h: img.Bounds().Dy(), channels: channelsOf(order)}
	p.data = make([]uint8, 0, p.w*p.h*p.channels)
	for y := range p.h {
		for line := rgba[y*stride:][:4*p.w]; len(line) > 0; line = line[4:] {
			r, g, b := line[0], line[1], line[2]
			switch order {
			case "rgb":
				p.data = append(p.data, r, g, b)
			case "bgr":
				p.data = append(p.data, b, g, r)
			case "gray": // ITU-R 601, as Pillow rounds it
				luma := 19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15
				p.data = append(p.data, uint8(luma>>16))
			}
		}
	}
	return p
}

// bytesOf returns a picture's red, green, blue and opacity, the colours as they are where it
// is transparent, and how many bytes a row takes.
func bytesOf(img image.Image) (rgba []uint8, stride int) {
	b := img.Bounds()
	if from, ok := img.(*image.NRGBA); ok {
		return from.Pix[from.PixOffset(b.Min.X, b.Min.Y):], from.Stride
	}
	if from, ok := img.(interface{ Opaque() bool }); ok && from.Opaque() {
		to := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		draw.Draw(to, to.Rect, img, b.Min, draw.Src) // fast for what decoders return
		return to.Pix, to.Stride
	}
	to := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			to.SetNRGBA(x, y, color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA))
		}
	}
	return to.Pix, to.Stride
}
