fn main() {
    let mut slot = Box::new(1_u64);
    let before = hooks::counts()[0];
    both::assign(&mut slot);
    let after = hooks::counts()[0];
    std::hint::black_box(&slot);
    println!("{} hook called", after - before);
}
