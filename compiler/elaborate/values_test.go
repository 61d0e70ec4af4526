package elaborate_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// TestValues evaluates constant expressions: each line must hold.
func TestValues(t *testing.T) {
	for _, cond := range []string{
		// Ints are exact.
		`7 / 7 == 1`, `7 / 2 == 3.5`, `-7 / 2 == -3.5`, `6 / 4 * 2 == 3`,
		`div(7, 2) == 3`, `div(-7, 2) == -4`, `div(7, -2) == -4`, `7 % 3 == 1`, `-7 % 3 == 2`, `7 % -3 == -2`,
		`2 ^ 62 == 4611686018427387904`, `2 ^ 0 == 1`, `2 ^ -1 == 0.5`, `(-3) ^ 3 == -27`, `2 ^ 0.5 > 1.41`,
		`9223372036854775807 - 1 == 9223372036854775806`, `-9223372036854775807 - 1 < 0`,
		`3 == 3.0`, `1 < 1.5`, `"a" < "b"`,
		// Rounding.
		`floor(2.7) == 2`, `floor(-2.5) == -3`, `ceil(2.1) == 3`, `round(2.5) == 2`, `round(3.5) == 4`, `round(2.6) == 3`,
		`int(-2.7) == -2`, `floor(5) == 5`, `float(3) / 2 == 1.5`, `abs(-3) == 3 and abs(-0.5) == 0.5`,
		`make_divisible(37) == 40`, `make_divisible(36.1) == 40`, `make_divisible(35.9) == 40`, `make_divisible(32 * 0.35) == 16`,
		`make_divisible(3) == 8`, `make_divisible(10, 4) == 12`, `make_divisible(100, min = 120) == 120`, `make_divisible(91, 100) == 100`,
		// Sizes.
		`1x7 + 1 == 2x8`, `1x7 * 2 == 2x14`, `div(1x7 - 1, 2) == 0x3`, `2x4 / 2 == 1x2`, `height(2x3) == 2 and width(2x3) == 3`,
		// Lists, ranges, strings.
		`[1, 2] + [3] == [1, 2, 3]`, `len([]) == 0 and len(2..5) == 3 and len(5..2) == 0`, `[1, 2, 3][-1] == 3`, `[1, 2, 3][1:] == [2, 3]`,
		`[1, 2, 3][:-1] == [1, 2]`, `(2..9)[1:3] == [3, 4]`, `[0, 1, 2] == 0..3`, `0..3 == 0..3 and 4..4 == 7..7`, `sum([1, 2, 0.5]) == 3.5`,
		`sum(1..5) == 10`, `max(1, 2.5) == 2.5`, `min([3, 2]) == 2`, `enumerate(["a"]) == [[0, "a"]]`, `zip([1, 2], 3..5) == [[1, 3], [2, 4]]`,
		`"a" + "b" == "ab"`,
		`block_string("ir_r2_k5_s2_e6_c24_se0.25_noskip")[:7] == ["ir", 2, 5, 2, 6, 24, 0.25] and not block_string("ir_c8_noskip")[8]`,
		`block_string("cn_c8")[:7] == ["cn", 1, 3, 1, 1, 8, 0] and block_string("ds_c8_skip")[8]`,
		// Truth.
		`not false and true`, `false or not (1 > 2)`, `true or 1 / 0 == 1`, `not (false and 1 / 0 == 1)`,
		// Values of different types are not equal.
		`1 != "1"`, `[1] != 1`, `"pool" != 64`, `true != 1`, `1x1 != 1`, `[1, "a"] == [1, "a"]`,
		// A name means what can be called where it is called.
		`width(x) == width * 2`,
	} {
		src := "net n(width = 4) {\n    input x[3, 8, 8]\n    assert " + cond + "\n    x\n}\n"
		if _, diags := elaborateText(src); len(diags) > 0 {
			t.Errorf("%s: %v", cond, diags)
		}
	}
}

// TestBadValues evaluates constant expressions without a value.
func TestBadValues(t *testing.T) {
	for _, c := range []struct{ x, code string }{
		{`9223372036854775807 + 1`, "TYPE007"},
		{`-9223372036854775807 - 2`, "TYPE007"},
		{`4611686018427387904 * 2`, "TYPE007"},
		{`(-9223372036854775807 - 1) / -1`, "TYPE007"},
		{`-(-9223372036854775807 - 1)`, "TYPE007"},
		{`abs(-9223372036854775807 - 1)`, "TYPE007"},
		{`3 ^ 41`, "TYPE007"},
		{`1e308 * 10`, "TYPE007"},
		{`(-1) ^ 0.5`, "TYPE007"},
		{`floor(1e30)`, "TYPE007"},
		{`sqrt(-1)`, "TYPE007"},
		{`log2(0)`, "TYPE007"},
		{`1 % 0`, "TYPE007"},
		{`div(1x2, 0)`, "TYPE007"},
		{`make_divisible(1e12)`, "TYPE007"},
		{`1.5 % 1`, "TYPE006"},
		{`1 + "a"`, "TYPE006"},
		{`true + true`, "TYPE006"},
		{`[1] - [1]`, "TYPE006"},
		{`1 < "a"`, "TYPE006"},
		{`[1] < [2]`, "TYPE006"},
		{`not 1`, "TYPE001"},
		{`1 and true`, "TYPE001"},
		{`-"a"`, "TYPE001"},
		{`1x3 / 2`, "TYPE002"},
		{`0..1.5`, "TYPE002"},
		{`[1, 2][0.5]`, "TYPE002"},
		{`[1, 2][-3]`, "TYPE008"},
		{`[1, 2][1:4]`, "TYPE008"},
		{`zip([1], [1, 2])`, "TYPE008"},
		{`3[0]`, "TYPE001"},
		{`len(3)`, "TYPE001"},
		{`sum(["a"])`, "TYPE001"},
		{`max()`, "ARG002"},
		{`max([])`, "TYPE001"},
		{`make_divisible(8, 0)`, "TYPE001"},
		{`relu < 3`, "TYPE005"},
		{`channels(3)`, "TYPE001"},
		{`channels(conv)`, "TYPE001"},
		{`sum(0..200000)`, "LIMIT004"},
		{`block_string(3)`, "TYPE001"},
		{`block_string("xx_c3")`, "ARG006"},
		{`block_string("")`, "ARG006"},
		{`block_string("ir_r2")`, "ARG006"},
		{`block_string("ir_c8_q7")`, "ARG006"},
		{`block_string("ir_c8_c8")`, "ARG006"},
		{`block_string("ir_c8_k0")`, "ARG006"},
		{`block_string("ir_c8_k3.5")`, "ARG006"},
		{`block_string("ir_c8_eNaN")`, "ARG006"},
		{`block_string("ir_c8_nxx")`, "ARG006"},
		{`block_string("ir_c8_skipper")`, "ARG006"},
	} {
		src := "net n {\n    input x[3, 8, 8]\n    let v = " + c.x + "\n    x\n}\n"
		_, diags := elaborateText(src)
		if len(diags) != 1 || diags[0].Code != c.code || diags[0].Severity != diag.Error {
			t.Errorf("%s: got %v, want %s", c.x, diags, c.code)
		}
	}
}
