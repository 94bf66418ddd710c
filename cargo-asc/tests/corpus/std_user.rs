//! A program that draws in as much of the standard library as it can.

use std::collections::*;
use std::io::{BufRead, Read, Write};
use std::sync::{Arc, Condvar, Mutex, OnceLock, RwLock, mpsc};

static ONCE: OnceLock<String> = OnceLock::new();

fn main() {
    let mut map = HashMap::new();
    let mut tree = BTreeMap::new();
    let mut queue = VecDeque::new();
    let mut heap = BinaryHeap::new();
    let mut list = LinkedList::new();
    for argument in std::env::args() {
        map.insert(argument.clone(), argument.len());
        tree.insert(argument.to_uppercase(), argument.parse::<f64>().unwrap_or(0.5));
        queue.push_front(argument.chars().rev().collect::<String>());
        heap.push(argument.len());
        list.push_back(argument);
    }
    let mut text = format!("{map:?} {tree:#?} {queue:?} {heap:?} {list:?} {:e} {:>9.3}", 1.5e300, 2.5);
    text.replace_range(0..1, "replaced");
    let _ = std::io::stdin().lock().read_line(&mut text);
    let mut sorted: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    sorted.sort();
    sorted.sort_unstable_by_key(|word| word.len());
    let shared = Arc::new((Mutex::new(sorted), Condvar::new(), RwLock::new(0)));
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            shared.0.lock().unwrap().push("x".into());
            *shared.2.write().unwrap() += 1;
            shared.1.notify_all();
            sender.send(1).unwrap();
        });
        scope.spawn(|| std::panic::catch_unwind(|| panic!("caught")));
    });
    println!("{:?} {:?} {}", shared, receiver.try_recv(), ONCE.get_or_init(String::new));
    if let Ok(mut file) = std::fs::File::open("/dev/null") {
        let _ = file.read_to_string(&mut text);
    }
    if let Ok(mut stream) = std::net::TcpStream::connect("[::1]:1") {
        let _ = stream.write_all(text.as_bytes());
    }
    let _ = std::process::Command::new("true").env("a", "b").output();
    println!("{:?} {:?}", std::time::SystemTime::now(), std::backtrace::Backtrace::force_capture());
}
