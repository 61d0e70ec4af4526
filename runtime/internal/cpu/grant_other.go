//go:build !linux || !amd64 || purego

package cpu

const hasGrants = false

func granted() bool { return false }
