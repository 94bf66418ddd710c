//! How the numbers were made.

use super::markup::section as section_markup;

const METHODS: [(&str, &str); 7] = [
    (
        "Sampling",
        "Faults are drawn uniformly over pairs of a request and a dynamic instruction, within strata of model and zone of the code. Each stratum is weighed by the points it holds.",
    ),
    (
        "Around handlers",
        "Code that is executed outside of every call of a handler: a server's own loop, the seal of a request excepted, which is the runtime's. It runs once and nothing protects it. Rates, gains and faults per request are about handlers and the runtime; what lies around them stands beside them, as does all code together. The list of escapes, the outcomes and the matrix have everything.",
    ),
    (
        "Undetected",
        "Wrong replies that left with a valid checksum, and wrong final states behind right replies. The split is always given.",
    ),
    (
        "Weighted rates",
        "Fay and Feuer's gamma interval for weighted sums (Statistics in Medicine 16, 1997), which errs to the wide side; within one stratum the exact interval of Clopper and Pearson (Biometrika 26, 1934). Strata that hold faults but were not struck widen the interval by their whole weight.",
    ),
    (
        "Shares beside bars",
        "Wilson's interval (JASA 22, 1927) of the plain share of the injections.",
    ),
    (
        "SDC per request",
        "The rate times the points of the fault space that one request holds: of all single faults that can strike a request, the number that would go unseen.",
    ),
    (
        "Gain",
        "Quotient of plain and hardened. Its interval divides the ends of two intervals of 97.5\u{a0}%, so that it holds with 95\u{a0}%.",
    ),
];

pub(super) fn section() -> String {
    let items = METHODS.map(|(name, words)| format!("<dt>{name}</dt><dd>{words}</dd>\n"));
    section_markup(
        "methods",
        "How the numbers were made",
        "All intervals hold with 95\u{a0}% confidence.",
        &format!("<dl class=\"methods\">\n{}</dl>\n", items.concat()),
    )
}
