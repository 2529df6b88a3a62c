/* SIGBUS in a mapping of our own files: a page of zeros in place of what is missing. All calls are safe in a handler. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "usernet/guard.h"

#define PREFIX "nmpcap-re" /* of a region, or the registry; sockets are not mapped */
#define PAGE 4096u
#define PIECE 512          /* bytes of /proc/self/maps at a time: the handler's stack may be small */

struct text {
    int fd;
    ssize_t have, at;
    char piece[PIECE];
};

/* The next character; -1 at the end. */
static int next(struct text *t)
{
    if (t->at == t->have) {
        t->have = read(t->fd, t->piece, sizeof(t->piece));
        t->at = 0;
        if (t->have <= 0) {
            t->have = 0;
            return -1;
        }
    }
    return (unsigned char)t->piece[t->at++];
}

static int digit(int c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A hexadecimal number, and the character behind it. */
static uintptr_t number(struct text *t, int *c)
{
    uintptr_t value = 0;

    while (digit(*c = next(t)) >= 0)
        value = value << 4 | (uintptr_t)digit(*c);
    return value;
}

/* Whether the rest of a line ends in a path whose last part begins as our files' do. */
static bool names_ours(struct text *t, int *c)
{
    size_t matched = sizeof(PREFIX); /* characters of this part; more than there are: it does not */
    bool ours = false;

    while ((*c = next(t)) >= 0 && *c != '\n') {
        if (*c == '/') {
            matched = 0;
            ours = false;
        } else if (matched < sizeof(PREFIX) - 1) {
            matched = *c == PREFIX[matched] ? matched + 1 : sizeof(PREFIX);
            ours = matched == sizeof(PREFIX) - 1;
        }
    }
    return ours;
}

/* Whether an address is in a mapping of a file of ours: lines are "start-end perms offset device inode path". */
static bool is_ours(uintptr_t address)
{
    struct text t = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    bool found = false, ours = false;
    int c = 0;

    if (t.fd < 0)
        return false;
    while (!found && c >= 0) {
        uintptr_t start = number(&t, &c), end = c == '-' ? number(&t, &c) : 0;
        bool named = names_ours(&t, &c);

        found = start <= address && address < end;
        ours = found && named;
    }
    close(t.fd);
    return ours;
}

static void on_bus_error(int number_of_signal, siginfo_t *info, void *context)
{
    uintptr_t page = (uintptr_t)info->si_addr / PAGE * PAGE;
    int error = errno;
    bool mended = info->si_code == BUS_ADRERR && is_ours(page) &&
                  mmap((void *)page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;

    (void)context;
    if (!mended) { /* what would have come of it without us */
        signal(number_of_signal, SIG_DFL);
        raise(number_of_signal);
    }
    errno = error;
}

void nmu_guard_install(void)
{
    struct sigaction guard = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK}, now;

    if (sigaction(SIGBUS, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL)
        sigaction(SIGBUS, &guard, NULL);
}
