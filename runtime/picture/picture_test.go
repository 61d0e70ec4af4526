package picture_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/picture"
)

func open(t testing.TB, name string) image.Image {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := picture.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// plain leaves the values of pixels as they are.
func plain(resize, crop int, filter string) runtime.Preprocess {
	return runtime.Preprocess{
		Resize: resize, Crop: runtime.Size{H: crop, W: crop}, Filter: filter,
		Scale: 1, Mean: []float64{0, 0, 0}, Std: []float64{1, 1, 1}, Channels: "rgb",
	}
}

// TestPillow holds Input to what torchvision's presets make of photographs: to the last bit,
// but where a JPEG has been decoded by another decoder.
func TestPillow(t *testing.T) {
	for _, c := range []struct {
		photo, golden string
		resize, crop  int
		filter        string
		most, mean    float64 // difference in grey levels
	}{
		{"chelsea.png", "chelsea_256_224_bilinear.png", 256, 224, "bilinear", 0, 0},
		{"chelsea.png", "chelsea_384_380_bicubic.png", 384, 380, "bicubic", 0, 0},
		{"chelsea.png", "chelsea_448_448_bilinear.png", 448, 448, "bilinear", 0, 0},
		{"chelsea.png", "chelsea_98_51_bilinear.png", 98, 51, "bilinear", 0, 0},
		{"chelsea.png", "chelsea_98_51_box.png", 98, 51, "box", 0, 0},
		{"chelsea.png", "chelsea_98_51_lanczos.png", 98, 51, "lanczos", 0, 0},
		{"chelsea.png", "chelsea_98_51_nearest.png", 98, 51, "nearest", 0, 0},
		{"rocket_decoded.png", "rocket_100_128_bilinear.png", 100, 128, "bilinear", 0, 0},
		{"rocket_decoded.png", "rocket_232_224_bilinear.png", 232, 224, "bilinear", 0, 0},
		{"rocket_decoded.png", "rocket_256_224_bicubic.png", 256, 224, "bicubic", 0, 0},
		{"rocket.jpg", "rocket_232_224_bilinear.png", 232, 224, "bilinear", 4, 0.5},
	} {
		got, err := picture.Input(open(t, c.photo), plain(c.resize, c.crop, c.filter))
		if err != nil {
			t.Fatal(err)
		}
		want, err := picture.Input(open(t, c.golden), plain(c.crop, c.crop, "nearest"))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 3*c.crop*c.crop || len(got) != len(want) {
			t.Fatalf("%s: %d values, %d of Pillow's", c.golden, len(got), len(want))
		}
		most, sum := 0.0, 0.0
		for i, v := range got {
			d := math.Abs(float64(v - want[i]))
			most, sum = max(most, d), sum+d
		}
		t.Logf("%s of %s: at most %v, %.3f in the mean", c.golden, c.photo, most, sum/float64(len(got)))
		if most > c.most || sum > c.mean*float64(len(got)) {
			t.Errorf("%s of %s: differs by %v at most, %.3f in the mean", c.golden, c.photo, most, sum/float64(len(got)))
		}
	}
}

// TestColours makes inputs of one pixel, of each kind of picture there is.
func TestColours(t *testing.T) {
	at := image.Rect(-3, 5, -1, 7) // pictures may be parts of larger ones
	fill := func(img interface {
		image.Image
		Set(x, y int, c color.Color)
	}, c color.Color) image.Image {
		for y := at.Min.Y; y < at.Max.Y; y++ {
			for x := at.Min.X; x < at.Max.X; x++ {
				img.Set(x, y, c)
			}
		}
		return img
	}
	orange := color.NRGBA{250, 100, 30, 255}
	clear := color.NRGBA{250, 100, 30, 128}
	ycbcr := image.NewYCbCr(at, image.YCbCrSubsampleRatio420)
	for i := range ycbcr.Y {
		ycbcr.Y[i] = 200
	}
	for i := range ycbcr.Cb {
		ycbcr.Cb[i], ycbcr.Cr[i] = 128, 128
	}
	rgb := plain(1, 1, "bilinear")
	bgr := rgb
	bgr.Channels = "bgr"
	gray := rgb
	gray.Channels, gray.Mean, gray.Std = "gray", []float64{0}, []float64{1}
	normal := rgb
	normal.Scale, normal.Mean, normal.Std = 1.0/255, []float64{0.5, 0.25, 0}, []float64{0.5, 2, 1}

	for _, c := range []struct {
		name string
		img  image.Image
		p    runtime.Preprocess
		want []float32
	}{
		{"NRGBA", fill(image.NewNRGBA(at), orange), rgb, []float32{250, 100, 30}},
		{"part", fill(image.NewNRGBA(at.Inset(-4)), orange).(*image.NRGBA).SubImage(at), rgb, []float32{250, 100, 30}},
		{"RGBA", fill(image.NewRGBA(at), orange), rgb, []float32{250, 100, 30}},
		{"NRGBA64", fill(image.NewNRGBA64(at), orange), rgb, []float32{250, 100, 30}},
		{"Paletted", fill(image.NewPaletted(at, color.Palette{orange}), orange), rgb, []float32{250, 100, 30}},
		{"transparent", fill(image.NewNRGBA(at), clear), rgb, []float32{250, 100, 30}},
		{"transparent NRGBA64", fill(image.NewNRGBA64(at), clear), rgb, []float32{250, 100, 30}},
		{"YCbCr", ycbcr, rgb, []float32{200, 200, 200}},
		{"Gray", fill(image.NewGray(at), color.Gray{77}), rgb, []float32{77, 77, 77}},
		{"bgr", fill(image.NewNRGBA(at), orange), bgr, []float32{30, 100, 250}},
		{"gray", fill(image.NewNRGBA(at), orange), gray, []float32{137}}, // 0.299 R + 0.587 G + 0.114 B
		{"gray of Gray16", fill(image.NewGray16(at), color.Gray{77}), gray, []float32{77}},
		{"normalised", fill(image.NewNRGBA(at), orange), normal, []float32{(250.0/255 - 0.5) / 0.5, (100.0/255 - 0.25) / 2, 30.0 / 255}},
	} {
		got, err := picture.Input(c.img, c.p)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestLayout looks for each channel in a plane of its own, rows in order.
func TestLayout(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for y := range 2 {
		for x := range 3 {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x), uint8(10 + y), uint8(100 + 10*y + x), 255})
		}
	}
	p := plain(2, 2, "bilinear")
	p.Crop.W = 3
	got, err := picture.Input(img, p)
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{0, 1, 2, 0, 1, 2, 10, 10, 10, 11, 11, 11, 100, 101, 102, 110, 111, 112}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestThin takes no more memory than the crop and the picture, however far a side would be
// enlarged.
func TestThin(t *testing.T) {
	thin := image.NewGray(image.Rect(0, 0, 1, 1<<20))
	got, err := picture.Input(thin, plain(256, 224, "bicubic"))
	if err != nil || len(got) != 3*224*224 {
		t.Errorf("%d values, %v", len(got), err)
	}
}

func TestErrors(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 2, 2))
	for want, change := range map[string]func(p *runtime.Preprocess){
		`channels "hsv" are none of rgb, bgr and gray`:                        func(p *runtime.Preprocess) { p.Channels = "hsv" },
		`there is no filter "area"`:                                           func(p *runtime.Preprocess) { p.Filter = "area" },
		`the sizes to resize to, 0, and to cut out, 1 x 1, must be positive`:  func(p *runtime.Preprocess) { p.Resize = 0 },
		`the sizes to resize to, 1, and to cut out, -1 x 1, must be positive`: func(p *runtime.Preprocess) { p.Crop.W = -1 },
		`means [0 0 0] and deviations [1 1] are not those of 3 channels`:      func(p *runtime.Preprocess) { p.Std = p.Std[1:] },
		`means [0 0 0] and deviations [1 0 1] are not those of 3 channels`:    func(p *runtime.Preprocess) { p.Std = []float64{1, 0, 1} },
		`the picture has no pixels`:                                           func(*runtime.Preprocess) { img = image.NewGray(image.Rect(0, 0, 0, 3)) },
	} {
		p, whole := plain(1, 1, "bilinear"), img
		change(&p)
		if _, err := picture.Input(img, p); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
		img = whole
	}
}

// TestBomb has a few bytes that claim to be a picture of four thousand million pixels.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	bomb := b.Bytes()
	header := bomb[12:29] // IHDR: width, height, ..., and its checksum behind it
	binary.BigEndian.PutUint32(header[4:], 1<<16)
	binary.BigEndian.PutUint32(header[8:], 1<<16)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(header))
	const want = "a png picture of 65536 x 65536 pixels is over the limit of 134217728"
	if _, err := picture.Read(bytes.NewReader(bomb)); err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if _, err := picture.Read(strings.NewReader("no picture")); err != image.ErrFormat {
		t.Errorf("error is %v", err)
	}
}

func BenchmarkInput(b *testing.B) {
	img := open(b, "rocket.jpg")
	for b.Loop() {
		if _, err := picture.Input(img, plain(232, 224, "bilinear")); err != nil {
			b.Fatal(err)
		}
	}
}
