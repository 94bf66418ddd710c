use asc_runtime::asc_handler;
fn append(log: &mut Vec<String>, line: String, times: usize, _priority: u8) -> usize {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "append"),
        ::core::file!(),
        ::core::line!(),
    );
    ::asc_runtime::__private::require_argument(&line);
    ::asc_runtime::__private::require_argument(&times);
    #[allow(clippy::used_underscore_binding)]
    ::asc_runtime::__private::require_argument(&_priority);
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> usize {
            #[allow(clippy::shadow_same)]
            let line = line;
            #[allow(clippy::shadow_same)]
            let mut times = times;
            #[allow(
                clippy::no_effect_underscore_binding,
                clippy::shadow_same,
                clippy::used_underscore_binding
            )]
            let _priority = _priority;
            #[allow(clippy::diverging_sub_expression)]
            let value: usize = {
                while times > 0 {
                    log.push(line.clone());
                    times -= 1;
                }
                log.len()
            };
            #[allow(unreachable_code)] value
        },
    )
}
fn skip(log: &mut Vec<String>, text: &str, argument_3: String) {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "skip"),
        ::core::file!(),
        ::core::line!(),
    );
    ::asc_runtime::__private::require_argument(&argument_3);
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> () {
            #[allow(clippy::shadow_same)]
            let mut text = text;
            let argument_3 = argument_3;
            #[allow(clippy::diverging_sub_expression)]
            let value: () = {
                while let Some(rest) = text.strip_prefix('#') {
                    text = rest;
                }
                log.push(text.to_owned());
            };
            #[allow(unreachable_code)] value
        },
    )
}
