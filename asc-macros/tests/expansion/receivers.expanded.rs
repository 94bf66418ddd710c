use std::pin::Pin;
use asc_runtime::asc_handler;
#[derive(Clone, Default)]
pub struct Counter {
    total: u64,
}
impl Counter {
    pub fn add(&mut self, increment: u64) -> u64 {
        static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "add"),
            ::core::file!(),
            ::core::line!(),
        );
        ::asc_runtime::__private::require_argument(&increment);
        ::asc_runtime::__private::run(
            &__ASC_HANDLER,
            move || -> u64 {
                #[allow(clippy::shadow_same)]
                let increment = increment;
                #[allow(clippy::diverging_sub_expression)]
                let value: u64 = {
                    self.total += increment;
                    self.total
                };
                #[allow(unreachable_code)] value
            },
        )
    }
    fn total(&self) -> u64 {
        static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "total"),
            ::core::file!(),
            ::core::line!(),
        );
        ::asc_runtime::__private::run(&__ASC_HANDLER, move || -> u64 { self.total })
    }
    fn finish(mut self) -> u64 {
        static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "finish"),
            ::core::file!(),
            ::core::line!(),
        );
        ::asc_runtime::__private::require_argument(&self);
        ::asc_runtime::__private::run(
            &__ASC_HANDLER,
            move || -> u64 {
                let _ = &self;
                self.total += 1;
                self.total
            },
        )
    }
    fn finish_boxed(self: Box<Self>) -> u64 {
        static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "finish_boxed"),
            ::core::file!(),
            ::core::line!(),
        );
        ::asc_runtime::__private::require_argument(&self);
        ::asc_runtime::__private::run(
            &__ASC_HANDLER,
            move || -> u64 {
                let _ = &self;
                self.total
            },
        )
    }
    fn add_pinned(self: Pin<&mut Self>) {
        static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "add_pinned"),
            ::core::file!(),
            ::core::line!(),
        );
        ::asc_runtime::__private::run(
            &__ASC_HANDLER,
            move || -> () {
                self.get_mut().total += 1;
            },
        )
    }
}
pub trait Service {
    fn serve(&mut self, request: &[u8]) -> usize;
    fn serve_twice(&mut self, request: &[u8]) -> usize {
        static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "serve_twice"),
            ::core::file!(),
            ::core::line!(),
        );
        ::asc_runtime::__private::run(
            &__ASC_HANDLER,
            move || -> usize { self.serve(request) + self.serve(request) },
        )
    }
}
impl Service for Counter {
    fn serve(&mut self, request: &[u8]) -> usize {
        static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "serve"),
            ::core::file!(),
            ::core::line!(),
        );
        ::asc_runtime::__private::run(
            &__ASC_HANDLER,
            move || -> usize {
                self.total += 1;
                request.len()
            },
        )
    }
}
