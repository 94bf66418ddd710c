use asc_runtime::{asc_fn, asc_handler};

pub struct Account {
    balance: i64,
    movements: [i64; 4],
    names: Vec<String>,
    count: usize,
}

impl Account {
    #[asc_handler(intercept = source)]
    pub fn pay(&mut self, amount: i64) -> Option<i64> {
        let rest = self.balance.checked_sub(amount)?;
        self.balance = rest;
        self.note(-amount);
        let mut total = 0;
        for movement in self.movements.iter().copied() {
            total += movement;
        }
        Some(total)
    }

    #[asc_fn]
    fn note(&mut self, movement: i64) {
        self.movements[self.count % 4] = limited(movement);
        self.count += 1;
    }

    #[asc_handler(intercept = source)]
    pub fn rename(&mut self, position: usize, name: &str) {
        *self.names.last_mut().unwrap() = name.to_owned();
        (self.balance, self.count) = (0, position);
        std::mem::swap(&mut self.balance, &mut self.movements[0]);
        println!("renamed");
        assert!(self.count == position, "{position}");
    }
}

#[asc_fn]
fn limited(movement: i64) -> i64 {
    let limit = |value: i64| value.min(1_000);
    limit(movement)
}

struct Entry<'a> {
    of: &'a i64,
    count: Count,
}

struct Count(i64);

#[asc_fn]
fn entered(movement: i64) -> i64 {
    let one = Count(1);
    let entry = Entry { of: &limited(movement), count: one };
    entry.of * entry.count.0
}
