package runtime

// Preprocess says how a picture becomes a network's input: decode to RGB, resize
// the shorter side to Resize with the antialiased Filter, cut the centre Crop,
// multiply by Scale, subtract Mean and divide by Std channel by channel. Package
// picture does it.
type Preprocess struct {
	Resize   int
	Crop     Size
	Filter   string // "bilinear", "bicubic", "nearest", "box" or "lanczos"
	Scale    float64
	Mean     []float64 // a channel, after Scale
	Std      []float64
	Channels string // order of the channels: "rgb", "bgr" or "gray"
}
