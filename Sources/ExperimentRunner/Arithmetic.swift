// The functions that this module needs from the C library.

import Glibc

func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
func logarithm10(_ value: Double) -> Double { log10(value) }
func exponentialTail(_ x: Double) -> Double { exp(-x) }
func logarithm(_ value: Double) -> Double { log(value) }
