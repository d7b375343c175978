//! RSA keys whose private half can be computed, or with which anyone can sign.

use std::fmt;

/// Minimum size of an RSA modulus, in bits (RFC 7518, section 3.3).
pub(crate) const MIN_RSA_BITS: usize = 2048;

/// What makes an RSA key weak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// The modulus has only this many bits.
    Short(usize),
    /// The public exponent is one or even.
    Exponent,
    /// The modulus has the fingerprint of a library that generated keys which can be factored (ROCA,
    /// CVE-2017-15361).
    Roca,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(bits) => write!(f, "{bits} bits, but at least {MIN_RSA_BITS} are required"),
            Self::Exponent => f.write_str("its public exponent is one or even"),
            Self::Roca => f.write_str("it can be factored: ROCA, CVE-2017-15361"),
        }
    }
}

/// Returns what makes a key weak, given a modulus and an exponent without leading zeros.
pub(crate) fn weakness(n: &[u8], e: &[u8]) -> Option<Weakness> {
    let bits = bits(n);
    if bits < MIN_RSA_BITS {
        return Some(Weakness::Short(bits));
    }
    if matches!(e, [] | [1]) || e.last().is_some_and(|last| last % 2 == 0) {
        return Some(Weakness::Exponent);
    }
    is_roca(n).then_some(Weakness::Roca)
}

/// Returns the size of a number in bits.
pub(crate) fn bits(n: &[u8]) -> usize {
    let unused = n.first().map_or(0, |first| first.leading_zeros() as usize);
    n.len() * 8 - unused
}

/// The primes modulo which the library's moduli, of any size, are powers of 65537.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Returns whether the modulus is a power of 65537 modulo each of the primes. One other modulus in 2^27 is,
/// too.
fn is_roca(n: &[u8]) -> bool {
    PRIMES.iter().all(|prime| {
        let rest = n.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (0..*prime).any(|_| {
            power = power * 65_537 % prime;
            power == rest
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weakness_of_short_and_forgeable_keys_is_named() {
        let n = vec![255; 256];
        let mut short = n.clone();
        short[0] = 127;
        assert_eq!(weakness(&short, &[1, 0, 1]), Some(Weakness::Short(2047)));
        for e in [&[][..], &[1], &[2], &[1, 0, 0]] {
            assert_eq!(weakness(&n, e), Some(Weakness::Exponent), "{e:?}");
        }
        for e in [&[3][..], &[1, 0, 1]] {
            assert_eq!(weakness(&n, e), None, "{e:?}");
        }
    }
}
