package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mismatch lists how the checkpoint differs from what was asked for; nil if it
// does not.
func (l *Loader) mismatch() error {
	asked := make(map[string]bool, len(l.asked))
	said := make(map[string]bool) // layers may share a tensor
	var missing, misshapen, unreadable []*weight
	for _, w := range l.asked {
		asked[w.key] = true
		if w.fits() && w.err == nil {
			continue
		}
		id := fmt.Sprint(w.key, w.shape)
		if said[id] {
			continue
		}
		said[id] = true
		switch {
		case w.found == nil:
			missing = append(missing, w)
		case !w.fits():
			misshapen = append(misshapen, w)
		default:
			unreadable = append(unreadable, w)
		}
	}
	var unused []string
	for _, key := range l.src.Keys() {
		if !asked[key] && key != "num_batches_tracked" && !strings.HasSuffix(key, ".num_batches_tracked") {
			unused = append(unused, key)
		}
	}
	if len(missing)+len(misshapen)+len(unreadable)+len(unused) == 0 {
		return nil
	}

	var b strings.Builder
	b.WriteString("the weights do not fit the network")
	prefix := commonPrefix(missing, unused)
	list(&b, "missing", missing, func(w *weight) string {
		line := fmt.Sprintf("%s %v", w.key, w.shape)
		if near := nearest(w.key, unused); near != "" && prefix == "" {
			line += fmt.Sprintf(" (did you mean %s?)", printable(near))
		}
		return line
	})
	list(&b, "of another shape", misshapen, func(w *weight) string {
		return fmt.Sprintf("%s is %v, the network wants %v", w.key, w.found, w.shape)
	})
	list(&b, "unreadable", unreadable, func(w *weight) string {
		return fmt.Sprintf("%s: %v", w.key, w.err)
	})
	list(&b, "not used by the network", unused, printable)
	if prefix != "" {
		fmt.Fprintf(&b, "\nevery missing tensor is there under a key that begins with %q: in Go, weights.StripPrefix takes it off, and cnnc run --strip-prefix", prefix)
	}
	if len(missing)+len(misshapen)+len(unreadable) == 0 {
		b.WriteString("\nif they are to be ignored, leave them out: in Go by weights.Rename, in Python before the file is written")
	}
	return errors.New(b.String())
}

// list writes a heading with a count, and the first items a line each.
func list[T any](b *strings.Builder, what string, items []T, line func(T) string) {
	const most = 8
	if len(items) == 0 {
		return
	}
	noun := "tensors"
	if len(items) == 1 {
		noun = "tensor"
	}
	fmt.Fprintf(b, "\n%d %s %s:", len(items), noun, what)
	for i, item := range items {
		if i == most {
			fmt.Fprintf(b, "\n  and %d more", len(items)-most)
			break
		}
		b.WriteString("\n  " + line(item))
	}
}

// printable returns a key of a file, which may be anything, as it is if nothing speaks
// against it.
func printable(key string) string {
	const most = 100
	q := strconv.Quote(key)
	switch {
	case len(key) > most:
		return strconv.Quote(key[:most]) + "..."
	case q[1:len(q)-1] != key:
		return q
	}
	return key
}

// commonPrefix returns what has to be taken off unused keys to get all the missing
// ones, as with the "module." of checkpoints from parallel training; "" if there is
// no such prefix.
func commonPrefix(missing []*weight, unused []string) string {
	if len(missing) == 0 {
		return ""
	}
	have := make(map[string]bool, len(unused))
	for _, key := range unused {
		have[key] = true
	}
	for _, key := range unused {
		prefix, ok := strings.CutSuffix(key, missing[0].key)
		if !ok || !strings.HasSuffix(prefix, ".") {
			continue
		}
		if !slices.ContainsFunc(missing, func(w *weight) bool { return !have[prefix+w.key] }) {
			return prefix
		}
	}
	return ""
}

// nearest returns the key among keys that is most like key: the same under another
// prefix, or a few characters away; "" if none is.
func nearest(key string, keys []string) string {
	const most = 10_000 // a file may have millions
	best, bestDistance := "", min(4, len(key)/5)+1
	for _, k := range keys[:min(most, len(keys))] {
		if strings.HasSuffix(k, "."+key) || strings.HasSuffix(key, "."+k) {
			return k
		}
		if len(k) >= len(key)+bestDistance || len(key) >= len(k)+bestDistance {
			continue
		}
		if d := distance(key, k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the number of characters to insert, delete or replace to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
