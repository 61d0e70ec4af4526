package draw

import (
	"math"
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// longest is the number of items that a repeated part may have.
const longest = 6

// repeats replaces equal parts that follow each other, or stand side by side, by
// one with a count; fewer than least stay as they are.
func (f *folder) repeats(items []*item, least int) []*item {
	items = f.detach(items)
	m := &matcher{f: f, items: items, at: producers(items)}
	for _, it := range items {
		m.exact = append(m.exact, it.signature(true))
	}
	m.users = make([][]int, len(items))
	for i, it := range items {
		m.users[i] = m.usersOf(it, i)
	}
	var folded []*item
	for i := 0; i < len(items); {
		n, parallel, period := 1, false, 1
		for p := 1; p <= longest && n < least; p++ {
			if n = m.row(i, p); n >= least {
				period = p
			} else if n = m.aside(i, p); n >= max(3, least) {
				period, parallel = p, true
			} else {
				n = 1
			}
		}
		if n < least {
			folded = append(folded, items[i])
			i++
			continue
		}
		var units []*item
		for k := range n {
			units = append(units, unit(items[i+k*period:i+(k+1)*period]))
		}
		folded = append(folded, repeated(units, parallel))
		i += n * period
	}
	return folded
}

// detach takes off what follows a block in place where it would set the block
// apart from an equal one before it: a normalisation at the end of a stage.
func (f *folder) detach(items []*item) []*item {
	var list []*item
	for i, it := range items {
		list = append(list, it)
		if it.block == "" || it.tail == nil || i == 0 || items[i-1].tail != nil {
			continue
		}
		alone := *it
		alone.tail = nil
		if alone.signature(true) != items[i-1].signature(true) {
			continue
		}
		first := it.tail[0]
		alone.out = f.g.Value(first.Args[0])
		alone.outs = slices.DeleteFunc(slices.Clone(it.outs), func(id ir.ID) bool { return id >= first.ID })
		rest := &item{name: first.Name, op: first, in: alone.out.Shape, tail: it.tail[1:], args: first.Args, out: it.out}
		for _, v := range it.tail {
			rest.outs = append(rest.outs, v.ID)
		}
		list[len(list)-1] = &alone
		list = append(list, rest)
	}
	return list
}

// unit makes one item of a part: a layer and its concatenation (DenseNet) are a
// block, with the insides of the layer.
func unit(part []*item) *item {
	if len(part) == 1 {
		return part[0]
	}
	last := part[len(part)-1]
	u := &item{name: part[0].name, block: "unit", out: last.out, result: last.out.ID}
	blocks := 0
	for _, it := range part {
		if it.block != "" {
			blocks++
			u.name, u.block = it.name, it.block
		}
	}
	for _, it := range part {
		if it.block != "" && blocks == 1 && len(it.tail) == 0 {
			u.body = append(u.body, it.body...)
		} else {
			u.body = append(u.body, it)
		}
		u.outs = append(u.outs, it.outs...)
	}
	u.args = outside(u.body)
	return u
}

// repeated makes one item of equal ones.
func repeated(units []*item, parallel bool) *item {
	it := *units[0]
	it.units, it.parallel = units, parallel
	it.out = units[len(units)-1].out
	it.outs = nil
	for _, u := range units {
		it.outs = append(it.outs, u.outs...)
	}
	return &it
}

// matcher finds repetitions in a list of items.
type matcher struct {
	f     *folder
	items []*item
	at    map[ir.ID]int // who makes a value
	users [][]int       // items that use an item; elsewhere for others
	exact []string
}

// elsewhere stands for a user that isn't among the items.
const elsewhere = math.MaxInt

func (m *matcher) usersOf(it *item, i int) []int {
	var users []int
	for _, o := range it.outs {
		for _, u := range m.f.users[o] {
			p, ok := m.at[u]
			if !ok {
				p = elsewhere
			}
			if p != i && !slices.Contains(users, p) {
				users = append(users, p)
			}
		}
		if m.f.outputs[o] {
			users = append(users, elsewhere)
		}
	}
	return users
}

// row returns how many times the part of p items from i repeats, each repetition
// working on the result of the one before.
func (m *matcher) row(i, p int) int {
	if i+p > len(m.items) || !m.oneSource(i, p) {
		return 1
	}
	n := 1
	for ; i+(n+1)*p <= len(m.items); n++ {
		from := i + n*p
		last := m.items[from-1]
		if !m.like(i, from, p, last.out.ID) || !sameMap(last.out, m.items[from+p-1].out) {
			break
		}
		if !m.usedWithin(from-p, from, from+p) {
			break
		}
	}
	return n
}

// aside returns how many parts of p items from i stand side by side: equal, fed
// by the same value, and used by the same item.
func (m *matcher) aside(i, p int) int {
	if i+p > len(m.items) || !m.oneSource(i, p) || !m.oneUser(i, p) {
		return 1
	}
	source := m.source(i, p)
	user := m.users[i+p-1][0]
	n := 1
	for ; i+(n+1)*p <= len(m.items); n++ {
		from := i + n*p
		if !m.like(i, from, p, source) || !m.oneUser(from, p) || m.users[from+p-1][0] != user {
			break
		}
	}
	return n
}

// source returns the first value that a part takes from elsewhere.
func (m *matcher) source(i, p int) ir.ID { return outside(m.items[i : i+p])[0] }

func (m *matcher) oneSource(i, p int) bool { return len(outside(m.items[i:i+p])) == 1 }

// oneUser reports whether the last item of a part is used by one item behind the
// part, and the others within it.
func (m *matcher) oneUser(i, p int) bool {
	last := i + p - 1
	return len(m.users[last]) == 1 && m.users[last][0] != elsewhere && m.usedWithin(i, last, i+p)
}

// usedWithin reports whether items [from, to) are used by items before limit only.
func (m *matcher) usedWithin(from, to, limit int) bool {
	for i := from; i < to; i++ {
		for _, u := range m.users[i] {
			if u >= limit {
				return false
			}
		}
	}
	return true
}

// like reports whether the p items from b are like those from a, with source in
// place of what the part at a takes from elsewhere.
func (m *matcher) like(a, b, p int, source ir.ID) bool {
	for k := range p {
		x, y := m.items[a+k], m.items[b+k]
		if m.exact[a+k] != m.exact[b+k] || len(x.args) != len(y.args) {
			return false
		}
		for j := range x.args {
			px, okx := m.at[x.args[j]]
			py, oky := m.at[y.args[j]]
			if okx && px >= a { // from the part itself
				if !oky || py-b != px-a {
					return false
				}
			} else if y.args[j] != source {
				return false
			}
		}
	}
	return true
}

// sameMap reports whether two results have the same height and width.
func sameMap(a, b *ir.Value) bool {
	return a.Shape.IsMap() == b.Shape.IsMap() && a.Shape.Height() == b.Shape.Height() && a.Shape.Width() == b.Shape.Width()
}
