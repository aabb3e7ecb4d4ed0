/*
 * The pause: process 1 of every sandbox. It holds the pod's namespaces and does nothing else.
 *
 *   /pause             reap zombies until SIGTERM or SIGINT, then exit 0
 *   /pause unshare     first leave the engine's network namespace for a new, empty one; exit 111 when that is refused,
 *                      so that no pod ever runs in the host's network by accident
 *
 * "unshare" is for a container with network_mode=host and CAP_SYS_ADMIN: the engine then starts it in half the time,
 * because it prepares no network of its own. The capability is dropped as soon as it has been used.
 *
 * No libc: `make -C kubelet/pause` gives about 700 bytes, which are shipped as base64 for x86_64 and aarch64.
 * The signals are blocked and fetched: process 1 ignores every signal that it neither handles nor blocks.
 */

#define CLONE_NEWNET 0x40000000L
#define WNOHANG 1L
#define SIG_BLOCK 0L
#define SIGINT 2
#define SIGTERM 15
#define CAPABILITY_VERSION_3 0x20080522
#define REFUSED 111

#if defined(__x86_64__) && !defined(GENERIC)
#define SYS_wait4 61L
#define SYS_exit_group 231L
#define SYS_unshare 272L
#define SYS_rt_sigprocmask 14L
#define SYS_rt_sigtimedwait 128L
#define SYS_capset 126L

static long call(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

__asm__(".globl _start\n_start:\n\tmov (%rsp), %rdi\n\tand $-16, %rsp\n\tcall run\n");

#elif defined(__aarch64__) && !defined(GENERIC)
#define SYS_wait4 260L
#define SYS_exit_group 94L
#define SYS_unshare 97L
#define SYS_rt_sigprocmask 135L
#define SYS_rt_sigtimedwait 137L
#define SYS_capset 91L

static long call(long number, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}

__asm__(".globl _start\n_start:\n\tldr x0, [sp]\n\tbl run\n");

#else
#include <sys/syscall.h>
#include <unistd.h>
#define call(number, a, b, c, d) syscall(number, a, b, c, d)
__attribute__((noreturn)) void run(long arguments);
int main(int count, char **words)
{
	(void)words;
	run(count);
}
#endif

struct capability_header {
	unsigned int version;
	int pid;
};

/* Effective, permitted, inheritable; twice, for 64 capabilities. */
struct capability_sets {
	unsigned int words[6];
};

__attribute__((noreturn, used)) void run(long arguments)
{
	unsigned long every_signal = ~0UL;
	struct capability_header header = {CAPABILITY_VERSION_3, 0};
	struct capability_sets none = {{0, 0, 0, 0, 0, 0}};

	call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&every_signal, 0, sizeof every_signal);
	if (arguments > 1) {
		if (call(SYS_unshare, CLONE_NEWNET, 0, 0, 0) != 0) {
			call(SYS_exit_group, REFUSED, 0, 0, 0);
		}
		call(SYS_capset, (long)&header, (long)&none, 0, 0);
	}
	for (;;) {
		long signal = call(SYS_rt_sigtimedwait, (long)&every_signal, 0, 0, sizeof every_signal);
		if (signal == SIGTERM || signal == SIGINT) {
			call(SYS_exit_group, 0, 0, 0, 0);
		}
		while (call(SYS_wait4, -1, 0, WNOHANG, 0) > 0) {
		}
	}
}
