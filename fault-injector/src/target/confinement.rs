//! What a struck target may still ask of the system.
//!
//! A wild jump can end in any system call with any arguments. Behind this filter only those are
//! carried out that answering needs and that touch nothing but the process itself; the others
//! fail with EPERM. `clone` is for the injector, which knows the password.

use std::error::Error;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use crate::protocol::{CLONE_PASSWORD, MESSAGES};

/// Calls that are harmless whatever their arguments.
const ALLOWED: [i64; 20] = [
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_sigaltstack,
];

/// Confines the process for the rest of its life.
pub(super) fn confine() -> Result<(), Box<dyn Error>> {
    let filter = SeccompFilter::new(
        rules()?.into_iter().collect(),
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        TargetArch::x86_64,
    )?;
    let program: BpfProgram = filter.try_into()?;
    apply_filter(&program)?;
    Ok(())
}

type Rules = Vec<(i64, Vec<SeccompRule>)>;

fn rules() -> Result<Rules, Box<dyn Error>> {
    let mut rules: Rules = ALLOWED.iter().map(|&call| (call, Vec::new())).collect();
    let to = |descriptor: i32| rule(0, SeccompCmpArgLen::Dword, descriptor as u64);
    rules.push((
        libc::SYS_write,
        vec![to(MESSAGES)?, to(libc::STDERR_FILENO)?],
    ));
    rules.push((
        libc::SYS_writev,
        vec![to(MESSAGES)?, to(libc::STDERR_FILENO)?],
    ));
    let abort = rule(2, SeccompCmpArgLen::Dword, libc::SIGABRT as u64)?;
    rules.push((libc::SYS_tgkill, vec![abort]));
    let copy = rule(5, SeccompCmpArgLen::Qword, CLONE_PASSWORD)?;
    rules.push((libc::SYS_clone, vec![copy]));
    Ok(rules)
}

fn rule(
    argument: u8,
    width: SeccompCmpArgLen,
    value: u64,
) -> Result<SeccompRule, seccompiler::BackendError> {
    let condition = SeccompCondition::new(argument, width, SeccompCmpOp::Eq, value)?;
    SeccompRule::new(vec![condition])
}
