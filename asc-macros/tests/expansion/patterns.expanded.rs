use asc_runtime::asc_handler;
#[derive(Clone)]
pub struct Request {
    key: String,
    value: Vec<u8>,
}
fn store(
    rows: &mut Vec<(String, u8)>,
    argument_2: Request,
    argument_3: (u8, u8),
    argument_4: &u8,
) -> Option<u8> {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "store"),
        ::core::file!(),
        ::core::line!(),
    );
    ::asc_runtime::__private::require_argument(&argument_2);
    ::asc_runtime::__private::require_argument(&argument_3);
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> Option<u8> {
            let argument_2 = argument_2;
            let Request { key, mut value } = argument_2;
            let argument_3 = argument_3;
            let (first, _) = argument_3;
            let argument_4 = argument_4;
            let &last = argument_4;
            #[allow(clippy::diverging_sub_expression)]
            let value: Option<u8> = {
                value.extend([first, last]);
                let byte = value.pop()?;
                rows.push((key, byte));
                Some(byte)
            };
            #[allow(unreachable_code)] value
        },
    )
}
