//! Every policy, and every kind of result under `drop`.

use asc_runtime::{Fault, asc_handler};

#[derive(Debug)]
enum Failure {
    Empty,
    #[allow(dead_code)]
    Struck(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Struck(fault)
    }
}

type Outcome<T> = Result<T, Failure>;

#[asc_handler(on_fault = abort)]
fn abort(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = retry(3),)]
fn retry(state: &mut u8) -> impl Iterator<Item = u8> {
    *state += 1;
    std::iter::once(*state)
}

#[asc_handler(crate = ::asc_runtime, on_fault = retry(255))]
fn always(state: &mut u8) -> Result<u8, Fault> {
    *state += 1;
    Ok(*state)
}

#[asc_handler(on_fault = drop)]
fn with_the_fault(state: &mut u8) -> Result<u8, Fault> {
    *state += 1;
    Ok(*state)
}

#[asc_handler(on_fault = drop)]
fn with_an_own_error(state: &mut Vec<u8>) -> Outcome<u8> {
    let last = state.pop().ok_or(Failure::Empty)?;
    Ok(last)
}

#[asc_handler(on_fault = drop)]
fn borrowed<'a>(state: &'a mut [String], at: &str) -> Result<&'a mut String, Failure> {
    state.iter_mut().find(|text| *text == at).ok_or(Failure::Empty)
}

#[asc_handler(on_fault = drop)]
fn opaque_inside(state: &[u8]) -> Result<impl Iterator<Item = u8>, Box<dyn std::error::Error>> {
    Ok(state.iter().copied())
}

struct Cell<T>(T);

impl<T: Clone + PartialEq> Cell<T> {
    #[asc_handler(on_fault = drop)]
    fn set<E: From<Fault>>(&mut self, value: T) -> Result<&T, E> {
        self.0 = value;
        Ok(&self.0)
    }

    /// Without a policy: this one can tell,
    #[asc_handler]
    fn can_tell(&mut self, value: T) -> Result<&T, Fault> {
        self.0 = value;
        Ok(&self.0)
    }

    /// this one cannot,
    #[asc_handler]
    fn cannot_tell<E>(&mut self, value: T) -> Result<&mut Self, E> {
        self.0 = value;
        Ok(self)
    }

    /// and here nobody knows.
    #[asc_handler]
    fn opaque(&self) -> Result<impl Fn(&T) -> bool, Fault> {
        let own = self.0.clone();
        Ok(move |other: &T| own == *other)
    }
}

fn main() {
    let mut state = 0;
    abort(&mut state);
    assert_eq!(retry(&mut state).next(), Some(2));
    assert_eq!(always(&mut state).unwrap(), 3);
    assert_eq!(with_the_fault(&mut state).unwrap(), 4);
    assert_eq!(with_an_own_error(&mut vec![7]).unwrap(), 7);
    assert!(matches!(with_an_own_error(&mut Vec::new()), Err(Failure::Empty)));
    let mut texts = ["a".to_owned(), "b".to_owned()];
    borrowed(&mut texts, "b").unwrap().push('c');
    assert_eq!(texts[1], "bc");
    assert_eq!(opaque_inside(&[1, 2]).unwrap().sum::<u8>(), 3);
    let mut cell = Cell(1);
    assert_eq!(*cell.set::<Fault>(5).unwrap(), 5);
    assert_eq!(*cell.can_tell(6).unwrap(), 6);
    assert_eq!(cell.cannot_tell::<()>(8).unwrap().0, 8);
    assert!(cell.opaque().unwrap()(&8));
}
