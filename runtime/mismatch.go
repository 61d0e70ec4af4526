package runtime

import (
	"fmt"
	"strings"
)

// mismatch lists how the checkpoint differs from what was asked for; nil if it
// does not.
func (l *Loader) mismatch() error {
	asked := make(map[string]bool, len(l.asked))
	var missing, misshapen, unreadable []*weight
	for _, w := range l.asked {
		if asked[w.key] {
			continue
		}
		asked[w.key] = true
		switch {
		case w.found == nil:
			missing = append(missing, w)
		case !w.fits():
			misshapen = append(misshapen, w)
		case w.err != nil:
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
			line += fmt.Sprintf(" (did you mean %s?)", near)
		}
		return line
	})
	list(&b, "of another shape", misshapen, func(w *weight) string {
		return fmt.Sprintf("%s is %v, the network wants %v", w.key, w.found, w.shape)
	})
	list(&b, "unreadable", unreadable, func(w *weight) string {
		return fmt.Sprintf("%s: %v", w.key, w.err)
	})
	list(&b, "not used by the network", unused, func(key string) string { return key })
	if prefix != "" {
		fmt.Fprintf(&b, "\nevery missing tensor is there under a key that begins with %q: weights.StripPrefix takes it off", prefix)
	}
	return fmt.Errorf("%s", b.String())
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
		all := true
		for _, w := range missing {
			all = all && have[prefix+w.key]
		}
		if all {
			return prefix
		}
	}
	return ""
}

// nearest returns the key among keys that is most like key: the same under another
// prefix, or a few characters away; "" if none is.
func nearest(key string, keys []string) string {
	best, bestDistance := "", min(4, len(key)/5)+1
	for _, k := range keys {
		if strings.HasSuffix(k, "."+key) || strings.HasSuffix(key, "."+k) {
			return k
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
