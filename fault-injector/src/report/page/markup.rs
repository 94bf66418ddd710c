//! Text as markup, and the few shapes that every section uses.

use crate::report::words::visible;

/// Text from outside, safe in elements and in quoted attributes.
pub(super) fn text(words: &str) -> String {
    let mut markup = String::with_capacity(words.len());
    for character in visible(words).chars() {
        match character {
            '&' => markup.push_str("&amp;"),
            '<' => markup.push_str("&lt;"),
            '>' => markup.push_str("&gt;"),
            '"' => markup.push_str("&quot;"),
            '\'' => markup.push_str("&#39;"),
            _ => markup.push(character),
        }
    }
    markup
}

/// A section with its heading and the sentence that says how to read it. All three are markup.
pub(super) fn section(id: &str, heading: &str, how_to_read: &str, body: &str) -> String {
    format!(
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n<p class=\"read\">{how_to_read}</p>\n{body}</section>\n"
    )
}

/// A table that scrolls within itself where it is too wide. `head` and `rows` are markup.
pub(super) fn table(class: &str, caption: &str, head: &str, rows: &str) -> String {
    format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">\n<table class=\"{class}\">\n\
         <caption>{caption}</caption>\n<thead>{head}</thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n"
    )
}
