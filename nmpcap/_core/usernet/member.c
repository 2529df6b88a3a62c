/* A member's number, and the byte of the registry that it holds as long as its process has its memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "usernet/member.h"

#define FIRST_BYTE ((off_t)1 << 40) /* far behind the file's end: the bytes are names, and nobody reads them */
#define TRIES 1000                  /* numbers that others hold, before that is an error */
#define PAGE 4096

static int lock_byte(int fd, int command, uint32_t member, short *type)
{
    struct flock lock = {.l_type = *type, .l_whence = SEEK_SET, .l_start = FIRST_BYTE + member, .l_len = 1};
    int status = fcntl(fd, command, &lock);

    *type = lock.l_type;
    return status;
}

bool nmu_member_lives(const struct nmu_device *dev, uint32_t member)
{
    short type = F_WRLCK;

    return lock_byte(dev->registry_fd, F_OFD_GETLK, member, &type) < 0 || type != F_UNLCK;
}

/* The number of the first byte that nobody holds, from the registry's next on; 0: none was to be had. */
static uint32_t take_number(struct nmu_device *dev, int fd)
{
    for (int tries = 0; tries < TRIES; tries++) {
        uint32_t member = atomic_fetch_add_explicit(&dev->reg->next_member, 1, memory_order_relaxed) % NMU_MEMBERS + 1;
        short type = F_WRLCK;

        if (lock_byte(fd, F_OFD_SETLK, member, &type) == 0)
            return member;
        if (errno != EAGAIN && errno != EACCES)
            return 0;
    }
    errno = EAGAIN;
    return 0;
}

/* The page that a child finds empty: it is another process. */
static int make_own(struct nmu_device *dev)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return nmu_fail(dev, errno, "no memory for a page: %s", strerror(errno));
    if (madvise(page, PAGE, MADV_WIPEONFORK) < 0) {
        munmap(page, PAGE);
        return nmu_fail(dev, ENOSYS, "netmap in user space needs Linux 4.14 or later (MADV_WIPEONFORK)");
    }
    dev->own = page;
    return 0;
}

/* A mapping of the registry by a description of its own, with one byte of the file locked by that; NULL: see errno. */
static void *prove(struct nmu_device *dev, uint32_t *member)
{
    char path[32];
    void *proof = MAP_FAILED;
    int fd;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", dev->registry_fd);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    *member = take_number(dev, fd);
    if (*member)
        proof = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE, fd, 0);
    if (proof != MAP_FAILED && madvise(proof, PAGE, MADV_DONTFORK) < 0) {
        munmap(proof, PAGE);
        proof = MAP_FAILED;
    }
    close(fd);
    return proof == MAP_FAILED ? NULL : proof;
}

int nmu_member_join(struct nmu_device *dev)
{
    uint32_t member = 0, none = 0;
    void *proof;
    int error;

    if (nmu_member(dev))
        return 0;
    if (!dev->own && (error = make_own(dev)))
        return error;
    proof = prove(dev, &member);
    if (!proof)
        return nmu_fail(dev, errno, "runtime directory %s: cannot hold a byte of its registry as this process's own: %s",
                        dev->dir, strerror(errno));
    atomic_store_explicit(&dev->own->pid, (uint32_t)getpid(), memory_order_relaxed);
    if (atomic_compare_exchange_strong(&dev->own->member, &none, member))
        dev->own->proof = proof;
    else /* another thread was faster */
        munmap(proof, PAGE);
    return 0;
}

void nmu_member_leave(struct nmu_device *dev)
{
    if (!dev->own)
        return;
    if (nmu_member(dev)) /* else the proof is a parent's, and not mapped here */
        munmap(dev->own->proof, PAGE);
    munmap(dev->own, PAGE);
    dev->own = NULL;
}
