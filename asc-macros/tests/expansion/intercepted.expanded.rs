use asc_runtime::{asc_fn, asc_handler};
pub struct Account {
    balance: i64,
    movements: [i64; 4],
    names: Vec<String>,
    count: usize,
}
impl Account {
    pub fn pay(&mut self, amount: i64) -> Option<i64> {
        static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "pay"),
            ::core::file!(),
            ::core::line!(),
        );
        ::asc_runtime::__private::require_argument(&amount);
        ::asc_runtime::__by_build! {
            { ::asc_runtime::__private::run(& __ASC_HANDLER, move || -> Option < i64 > {
            #[allow(clippy::shadow_same)] let amount = amount;
            #[allow(clippy::diverging_sub_expression)] let value : Option < i64 > = { let
            rest = self.balance.checked_sub(amount) ?; self.balance = rest; self.note(-
            amount); let mut total = 0; for movement in self.movements.iter().copied() {
            total += movement; } Some(total) }; #[allow(unreachable_code)] value }) } {
            ::asc_runtime::__private::source::run(& __ASC_HANDLER, move || -> Option <
            i64 > { #[allow(clippy::shadow_same)] let amount = amount;
            #[allow(clippy::diverging_sub_expression)] let value : Option < i64 > = { let
            __asc_visible =
            ::asc_runtime::__private::source::visible(::core::any::type_name:: < Self >
            (), "pay"); let rest =
            ::asc_runtime::__private::source::leave(::asc_runtime::__private::source::entering_method(0,
            & raw const self.balance, "checked_sub"), self.balance.checked_sub(amount))
            ?; self.balance = ::asc_runtime::__private::source::stored(rest, & raw mut
            self.balance);
            ::asc_runtime::__private::source::leave(::asc_runtime::__private::source::entering_method(1,
            & raw const self, "note"), self.note(- amount)); let mut total = 0; for
            movement in
            ::asc_runtime::__private::source::iterated(::asc_runtime::__private::source::leave(3,
            ::asc_runtime::__private::source::receiver(3,
            ::asc_runtime::__private::source::leave(::asc_runtime::__private::source::entering_method(2,
            & raw const self.movements, "iter"), self.movements.iter()), "copied")
            .copied())) { total += movement; } Some(total) }; #[allow(unreachable_code)]
            value }) }
        }
    }
    fn note(&mut self, movement: i64) {
        ::asc_runtime::__by_build! {
            { self.movements[self.count % 4] = limited(movement); self.count += 1; } {
            let __asc_visible =
            ::asc_runtime::__private::source::visible(::core::any::type_name:: < Self >
            (), "note"); self.movements[self.count % 4] =
            ::asc_runtime::__private::source::stored(::asc_runtime::__private::source::leave(0,
            ::asc_runtime::__private::source::entering(0, limited) (movement)), & raw mut
            self.movements[self.count % 4]); { ::asc_runtime::__private::source::place(&
            raw mut self.count); self.count += 1; }; }
        }
    }
    pub fn rename(&mut self, position: usize, name: &str) {
        static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "rename"),
            ::core::file!(),
            ::core::line!(),
        );
        ::asc_runtime::__private::require_argument(&position);
        ::asc_runtime::__by_build! {
            { ::asc_runtime::__private::run(& __ASC_HANDLER, move || -> () {
            #[allow(clippy::shadow_same)] let position = position;
            #[allow(clippy::diverging_sub_expression)] let value : () = { * self.names
            .last_mut().unwrap() = name.to_owned(); (self.balance, self.count) = (0,
            position); std::mem::swap(& mut self.balance, & mut self.movements[0]);
            println!("renamed"); assert!(self.count == position, "{position}"); };
            #[allow(unreachable_code)] value }) } {
            ::asc_runtime::__private::source::run(& __ASC_HANDLER, move || -> () {
            #[allow(clippy::shadow_same)] let position = position;
            #[allow(clippy::diverging_sub_expression)] let value : () = { let
            __asc_visible =
            ::asc_runtime::__private::source::visible(::core::any::type_name:: < Self >
            (), "rename"); * ::asc_runtime::__private::source::target(& mut *
            ::asc_runtime::__private::source::leave(2,
            ::asc_runtime::__private::source::receiver(2,
            ::asc_runtime::__private::source::leave(::asc_runtime::__private::source::entering_method(1,
            & raw const self.names, "last_mut"), self.names.last_mut()), "unwrap")
            .unwrap())) =
            ::asc_runtime::__private::source::leave(::asc_runtime::__private::source::entering_method(0,
            & raw const name, "to_owned"), name.to_owned()); { let value = (0, position);
            ::asc_runtime::__private::source::place(& raw mut self.balance);
            ::asc_runtime::__private::source::place(& raw mut self.count); (self.balance,
            self.count) = value; }; ::asc_runtime::__private::source::swap(& mut self
            .balance, & mut self.movements[0]);
            ::asc_runtime::__private::source::opaque("the macro `println!`");
            println!("renamed"); assert!(self.count == position, "{position}"); };
            #[allow(unreachable_code)] value }) }
        }
    }
}
fn limited(movement: i64) -> i64 {
    ::asc_runtime::__by_build! {
        { let limit = | value : i64 | value.min(1_000); limit(movement) } { let
        __asc_visible = ::asc_runtime::__private::source::visible(::core::module_path!(),
        "limited"); let limit = | value : i64 |
        ::asc_runtime::__private::source::leave(::asc_runtime::__private::source::entering_method(0,
        & raw const value, "min"), value.min(1_000)); limit(movement) }
    }
}
struct Entry<'a> {
    of: &'a i64,
    count: Count,
}
struct Count(i64);
fn entered(movement: i64) -> i64 {
    ::asc_runtime::__by_build! {
        { let one = Count(1); let entry = Entry { of : & limited(movement), count : one
        }; entry.of * entry.count.0 } { let __asc_visible =
        ::asc_runtime::__private::source::visible(::core::module_path!(), "entered"); let
        one = ::asc_runtime::__private::source::kept(Count(1)); let entry = Entry { of :
        & ::asc_runtime::__private::source::leave(0,
        ::asc_runtime::__private::source::entering(0, limited) (movement)), count : one
        }; ::asc_runtime::__private::source::keep(& entry); entry.of * entry.count.0 }
    }
}
