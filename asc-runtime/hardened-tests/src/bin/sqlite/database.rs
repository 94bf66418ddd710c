//! The database, and how it executes a statement.

use asc_hardened_tests::digest::digest;
use rusqlite::types::Value;
use rusqlite::{Connection, Params, params};

use crate::statement::Statement;

const SCHEMA: &str = "
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        balance INTEGER NOT NULL CHECK (balance >= 0),
        note BLOB NOT NULL
    );
    CREATE INDEX by_balance ON accounts (balance);
    CREATE TABLE journal (number INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER, change INTEGER, at REAL);
    CREATE TRIGGER journals AFTER UPDATE OF balance ON accounts BEGIN
        INSERT INTO journal (account, change, at)
        VALUES (new.id, new.balance - old.balance, new.balance / 7.0);
    END;
    INSERT INTO accounts (name, balance, note) VALUES ('vault', 0, 'a note: it is never closed');
";
const RICHEST: &str =
    "SELECT name, balance, length(note) FROM accounts ORDER BY balance DESC, name LIMIT ?";
const TOTALS: &str = "
    SELECT balance % ?1 AS part, count(DISTINCT account), sum(change), avg(at), group_concat(DISTINCT substr(name, 9))
    FROM accounts LEFT JOIN journal ON account = id GROUP BY part ORDER BY sum(change), part
";
const MOVE: &str = "UPDATE accounts SET balance = balance + ?2 WHERE name = ?1";
const OPEN: &str = "INSERT INTO accounts (name, balance, note) VALUES (?, ?, ?) RETURNING id";
const NOTE: &str = "
    INSERT INTO accounts (name, balance, note) VALUES (?1, 0, ?2)
    ON CONFLICT (name) DO UPDATE SET note = CAST(excluded.note || substr(note, 1, 20) AS BLOB)
";
const ALL: &str = "
    SELECT name, balance, note, number, change, at
    FROM accounts LEFT JOIN journal ON account = id ORDER BY name, number
";

/// What SQLite answered: rows, or how many of them changed, or what is wrong.
#[derive(Debug)]
pub(crate) struct Reply(Result<Vec<Vec<Value>>, String>);

impl Reply {
    pub(crate) fn digest(&self) -> u64 {
        digest(&format!("{:?}", self.0))
    }
}

type Rows = rusqlite::Result<Vec<Vec<Value>>>;

/// A connection to a database in memory.
pub(crate) struct Database(pub(crate) Connection);

impl Database {
    pub(crate) fn open() -> Self {
        let connection = Connection::open_in_memory().expect("memory suffices");
        connection
            .execute_batch(SCHEMA)
            .expect("the schema is right");
        Self(connection)
    }

    /// Not inlined: a rollback changes the connection.
    #[inline(never)]
    pub(crate) fn execute(&mut self, statement: &Statement) -> Reply {
        Reply(self.answer(statement).map_err(|error| error.to_string()))
    }

    fn answer(&mut self, statement: &Statement) -> Rows {
        match statement {
            Statement::Open {
                name,
                balance,
                note,
            } => self.select(OPEN, params![name, balance, note]),
            Statement::Transfer { from, to, amount } => self.transfer(from, to, *amount),
            Statement::Note { name, note } => self.change(NOTE, params![name, note]),
            Statement::Close { name } => {
                self.change("DELETE FROM accounts WHERE name = ?", params![name])
            }
            Statement::Find { name } => {
                self.select("SELECT * FROM accounts WHERE name LIKE ?", params![name])
            }
            Statement::Richest { limit } => self.select(RICHEST, params![limit]),
            Statement::Totals { modulus } => self.select(TOTALS, params![modulus]),
            Statement::Forget { modulus } => self.change(
                "DELETE FROM journal WHERE number % ? <> 0",
                params![modulus],
            ),
            Statement::Check => self.select("PRAGMA integrity_check", params![]),
        }
    }

    /// Both or neither.
    fn transfer(&mut self, from: &str, to: &str, amount: i64) -> Rows {
        let transaction = self.0.transaction()?;
        let mut moved = 0;
        for (name, change) in [(to, amount), (from, -amount)] {
            moved += transaction
                .prepare_cached(MOVE)?
                .execute(params![name, change])?;
        }
        if moved == 2 {
            transaction.commit()?;
        }
        Ok(vec![vec![Value::Integer(moved as i64)]])
    }

    fn change(&self, text: &str, parameters: impl Params) -> Rows {
        let changed = self.0.prepare_cached(text)?.execute(parameters)?;
        Ok(vec![vec![Value::Integer(changed as i64)]])
    }

    fn select(&self, text: &str, parameters: impl Params) -> Rows {
        let mut statement = self.0.prepare_cached(text)?;
        let columns = statement.column_count();
        let rows = statement.query_map(parameters, |row| {
            (0..columns).map(|column| row.get(column)).collect()
        })?;
        rows.collect()
    }

    /// A digest of all of it, when SQLite finds it sound.
    pub(crate) fn read_all(&self) -> String {
        let check = self
            .select("PRAGMA integrity_check", params![])
            .expect("answered");
        assert_eq!(check, [[Value::Text("ok".to_owned())]]);
        let rows = self.select(ALL, params![]).expect("answered");
        format!("{} rows, {:016x}", rows.len(), digest(&format!("{rows:?}")))
    }
}
