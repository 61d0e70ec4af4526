// Package spin tells the processor that a loop is only waiting.
package spin
