//! Quantiles of the beta and the gamma distribution, as brackets.
//!
//! The distribution functions are those of the crate `special`. Its inverse, and that of `statrs`, do
//! not return for shapes that large campaigns have (k = 5 of n = 1e8), and `puruspe`'s panics at
//! 88,000 of 200,000, so the function is inverted here by bisection, which always ends and whose
//! bracket says on which side it errs.

use special::{Beta, Gamma};

/// Halvings at most. Doubles near zero are 2^-1074, so every positive one is reached before.
const HALVINGS_MAX: u32 = 1_100;

/// The width, relative to the value, at which a bracket is narrow enough.
const WIDTH_RELATIVE: f64 = 1e-12;

/// Two values with the quantile between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bracket {
    /// Not above the quantile.
    pub low: f64,
    /// Not below the quantile.
    pub high: f64,
}

/// Where the beta distribution with shapes `a` and `b` reaches `probability`.
///
/// # Panics
///
/// If a shape is not positive or the probability not between 0 and 1.
pub fn beta(probability: f64, a: f64, b: f64) -> Bracket {
    assert!(a > 0.0 && b > 0.0, "shapes are positive, not {a} and {b}");
    let ln_beta = a.ln_beta(b);
    bisect(probability, 1.0, |x| x.inc_beta(a, b, ln_beta))
}

/// Where the gamma distribution with this shape and scale 1 reaches `probability`.
///
/// # Panics
///
/// If the shape is not positive or the probability not between 0 and 1.
pub fn gamma(probability: f64, shape: f64) -> Bracket {
    assert!(shape > 0.0, "a shape is positive, not {shape}");
    let distribution = |x: f64| x.inc_gamma(shape);
    let mut limit = shape + 1.0;
    while distribution(limit) < probability {
        limit *= 2.0;
    }
    bisect(probability, limit, distribution)
}

fn bisect(probability: f64, limit: f64, distribution: impl Fn(f64) -> f64) -> Bracket {
    assert!(
        probability > 0.0 && probability < 1.0,
        "a probability between 0 and 1 was wanted, not {probability}"
    );
    let mut bracket = Bracket {
        low: 0.0,
        high: limit,
    };
    for _ in 0..HALVINGS_MAX {
        let middle = f64::midpoint(bracket.low, bracket.high);
        if bracket.high - bracket.low <= WIDTH_RELATIVE * middle {
            break;
        }
        if distribution(middle) < probability {
            bracket.low = middle;
        } else {
            bracket.high = middle;
        }
    }
    bracket
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_one_has_a_closed_form() {
        for (probability, b) in [(0.975, 10.0), (0.975, 1e8), (1e-6, 3.0)] {
            let exact = -f64::ln_1p(-probability) / b;
            let exact = -f64::exp_m1(-exact);
            let found = beta(probability, 1.0, b);
            assert!((found.low / exact - 1.0).abs() < 1e-6, "{found:?} {exact}");
        }
        let exponential = gamma(0.975, 1.0);
        assert!((exponential.high / 40f64.ln() - 1.0).abs() < 1e-9);
    }

    #[test]
    #[should_panic(expected = "a probability between 0 and 1 was wanted, not 1")]
    fn certainty_has_no_quantile() {
        beta(1.0, 2.0, 2.0);
    }
}
