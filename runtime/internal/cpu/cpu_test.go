package cpu

import "testing"

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		override string
		best     ISA
		want     ISA
		err      string
	}{
		{"", AVX512, AVX512, ""},
		{"", Generic, Generic, ""},
		{"generic", AVX512, Generic, ""},
		{"avx2", AVX512, AVX2, ""},
		{"avx512", AVX512, AVX512, ""},
		{"avx512", AMX, AVX512, ""},
		{"amx", AMX, AMX, ""},
		{"", AMX, AMX, ""},
		{"amx", AVX512, AVX512, "CNNC_CPU=amx: this machine has avx512 at most"},
		{"avx512", AVX2, AVX2, "CNNC_CPU=avx512: this machine has avx2 at most"},
		{"sse", AVX2, AVX2, "CNNC_CPU=sse: want generic, avx2, avx512 or amx"},
	} {
		got, err := choose(c.override, c.best)
		if got != c.want {
			t.Errorf("choose(%q, %s) = %s, want %s", c.override, c.best, got, c.want)
		}
		msg := ""
		if err != nil {
			msg = err.Error()
		}
		if msg != c.err {
			t.Errorf("choose(%q, %s): error %q, want %q", c.override, c.best, msg, c.err)
		}
	}
}

func TestForce(t *testing.T) {
	before := Level()
	undo := Force(Generic)
	if got := Level(); got != Generic {
		t.Errorf("after Force(Generic): %s", got)
	}
	undo()
	if got := Level(); got != before {
		t.Errorf("after undo: %s, want %s", got, before)
	}
}
