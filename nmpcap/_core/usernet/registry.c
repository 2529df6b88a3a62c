/*
 * The runtime directory and its registry file.
 *
 * Nobody serves the registry: whoever needs it and finds none makes it, and whoever leaves it
 * empty removes it. The file appears complete (it is built unnamed and then linked), and is
 * marked gone under its lock before it is unlinked, so that a process that has just opened it
 * notices and opens the next one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "usernet/parameters.h"
#include "usernet/files.h"
#include "usernet/guard.h"
#include "usernet/registry.h"
#include "usernet/wakeup.h"

#define TRIES 1000          /* with a pause each: a second, before what does not change is an error */
#define PAUSE_NS 1000000

/* ---- the runtime directory --------------------------------------------------------- */

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && access(path, W_OK | X_OK) == 0;
}

static int choose_directory(struct nmu_device *dev)
{
    const char *given = getenv("NMPCAP_RUNTIME_DIR");
    const char *session = getenv("XDG_RUNTIME_DIR");
    size_t size = sizeof(dev->dir);
    int length;

    dev->own_dir = !dev->given_dir && !(given && given[0]);
    if (dev->given_dir)
        return 0;
    if (!dev->own_dir)
        length = snprintf(dev->dir, size, "%s", given);
    else if (is_directory("/dev/shm"))
        length = snprintf(dev->dir, size, "/dev/shm/nmpcap-%u", (unsigned)geteuid());
    else if (session && is_directory(session))
        length = snprintf(dev->dir, size, "%s/nmpcap", session);
    else
        length = snprintf(dev->dir, size, "/tmp/nmpcap-%u", (unsigned)geteuid());
    if (length < 0 || (size_t)length >= size)
        return nmu_fail(dev, ENAMETOOLONG, "the runtime directory's path is longer than %zu characters", size - 1);
    return 0;
}

static int open_directory(struct nmu_device *dev)
{
    struct stat st;
    int error = choose_directory(dev);

    if (error)
        return error;
    /* Not ENOENT, which says of a port that it is not there. */
    if (mkdir(dev->dir, 0700) < 0 && errno != EEXIST)
        return nmu_fail(dev, errno == ENOENT ? ENOTDIR : errno, "runtime directory %s: cannot make it: %s; set NMPCAP_RUNTIME_DIR to a directory "
                        "you may write to", dev->dir, strerror(errno));
    dev->dirfd = open(dev->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (dev->own_dir ? O_NOFOLLOW : 0));
    if (dev->dirfd < 0)
        return nmu_fail(dev, errno, "runtime directory %s: cannot open it: %s", dev->dir, strerror(errno));
    if (fstat(dev->dirfd, &st) < 0) {
        error = errno;
        close(dev->dirfd);
        dev->dirfd = -1;
        return error;
    }
    if (dev->own_dir && (st.st_uid != geteuid() || (st.st_mode & 077)))
        error = nmu_fail(dev, EPERM, "runtime directory %s: must belong to you alone (mode 0700); somebody else made "
                         "it, or opened it up. To share one on purpose set NMPCAP_RUNTIME_DIR", dev->dir);
    /* Whom the directory lets write may use what is in it; who may only look at it, not. */
    dev->file_mode = 0600 | (st.st_mode & S_IWGRP ? 0060 : 0) | (st.st_mode & S_IWOTH ? 0006 : 0);
    dev->dir_uid = st.st_uid;
    dev->dir_gid = st.st_gid;
    if (error) {
        close(dev->dirfd);
        dev->dirfd = -1;
    }
    return error;
}

bool nmu_any_file(struct nmu_device *dev, bool (*call)(struct nmu_device *, const char *name))
{
    int fd = openat(dev->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    bool found = false;

    if (!directory) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (!found && (entry = readdir(directory)))
        found = call(dev, entry->d_name);
    closedir(directory);
    return found;
}

/* ---- the registry file ------------------------------------------------------------- */

/* Shared memory that cannot be had shows up as SIGBUS at the first touch, unless it is asked
 * for beforehand. */
static int back(struct nmu_device *dev, int fd, off_t offset, off_t size)
{
    int error = posix_fallocate(fd, offset, size);

    if (error == EINTR)
        return back(dev, fd, offset, size);
    if (error)
        return nmu_fail(dev, error == ENOSPC ? ENOMEM : error, "runtime directory %s: no room for %lld bytes: %s",
                        dev->dir, (long long)size, strerror(error));
    return 0;
}

int nmu_reserve(struct nmu_device *dev, const void *record, size_t size)
{
    return back(dev, dev->registry_fd, (const uint8_t *)record - (const uint8_t *)dev->reg, (off_t)size);
}

static int map_registry(struct nmu_device *dev, int fd)
{
    struct nmu_registry *reg = nmu_file_map(fd, sizeof(*reg)); /* what is behind it ends any name */

    if (!reg)
        return nmu_fail(dev, errno, "runtime directory %s: cannot map its registry: %s", dev->dir, strerror(errno));
    dev->reg = reg;
    dev->registry_fd = fd;
    return 0;
}

void nmu_registry_unmap(struct nmu_device *dev)
{
    if (dev->reg) {
        munmap(dev->reg, sizeof(*dev->reg) + NMU_SLACK);
        close(dev->registry_fd);
    }
    dev->reg = NULL;
    dev->registry_fd = -1;
}

/* A complete registry, unnamed as yet. */
static int build_registry(struct nmu_device *dev, int fd)
{
    int error = nmu_file_share(dev, fd);

    if (!error && ftruncate(fd, sizeof(struct nmu_registry)) < 0)
        error = errno;
    if (error)
        return nmu_fail(dev, error, "runtime directory %s: cannot make a registry: %s", dev->dir, strerror(error));
    error = back(dev, fd, 0, offsetof(struct nmu_registry, regions[0]));
    if (!error)
        error = map_registry(dev, fd);
    if (error)
        return error;
    dev->reg->version = NMU_VERSION;
    dev->reg->size = sizeof(*dev->reg);
    dev->reg->next_region = NMU_REGION_GLOBAL + 1;
    dev->reg->descs_high = dev->reg->ports_high = dev->reg->regions_high = 1;
    nmu_parameters_reset(dev->reg);
    /* release: who reads the magic number reads a complete file */
    atomic_store_explicit(&dev->reg->magic, NMU_MAGIC, memory_order_release);
    return 0;
}

/* Makes the registry; EEXIST once there is one, ENOENT if the directory has gone. */
static int create_registry(struct nmu_device *dev)
{
    char path[64];
    int error, fd = openat(dev->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno == ENOENT ? ENOENT
                               : nmu_fail(dev, errno, "runtime directory %s: cannot make a file in it: %s", dev->dir,
                                          strerror(errno));
    error = build_registry(dev, fd);
    if (error) {
        close(fd);
        return error;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    error = linkat(AT_FDCWD, path, dev->dirfd, NMU_REGISTRY_FILE, AT_SYMLINK_FOLLOW) < 0 ? errno : 0;
    nmu_registry_unmap(dev);
    if (!error)
        return EEXIST; /* to be opened as anybody would: what is mapped before it is named has no name in guard.c */
    if (error == ENOENT && access("/proc/self/fd", X_OK) < 0)
        return nmu_fail(dev, ENOSYS, "runtime directory %s: cannot name the registry without /proc; mount it", dev->dir);
    if (error != EEXIST && error != ENOENT)
        nmu_fail(dev, error, "runtime directory %s: cannot name the registry: %s", dev->dir, strerror(error));
    return error;
}

static bool is_living_port(struct nmu_device *dev, const char *name)
{
    uint32_t index, generation;

    return nmu_file_parse(name, &index, &generation) == NMU_FILE_PORT && nmu_socket_alive(dev, name);
}

static bool remove_ours(struct nmu_device *dev, const char *name)
{
    uint32_t index, generation;

    if (nmu_file_parse(name, &index, &generation) != NMU_FILE_FOREIGN)
        unlinkat(dev->dirfd, name, 0);
    return false;
}

/* A registry that this code cannot read. In use, or not written by any nmpcap, it is an error; else it is what
 * programs of another version left when they were killed, and makes room: ENOENT. */
static int refuse_or_clear(struct nmu_device *dev, int fd, const struct stat *stale)
{
    struct stat named;
    uint32_t magic = 0;

    if (pread(fd, &magic, sizeof(magic), 0) != sizeof(magic) || magic != NMU_MAGIC)
        return nmu_fail(dev, EPROTO, "runtime directory %s: %s is no registry of nmpcap's; remove it, or set "
                        "NMPCAP_RUNTIME_DIR to a directory of its own", dev->dir, NMU_REGISTRY_FILE);
    if (nmu_any_file(dev, is_living_port))
        return nmu_fail(dev, EPROTO, "runtime directory %s: programs with another version of nmpcap are using it, or somebody has "
                        "cut its registry short; end them, or set NMPCAP_RUNTIME_DIR", dev->dir);
    /* Another may be clearing too, and have a registry of its own there by now. */
    if (fstatat(dev->dirfd, NMU_REGISTRY_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == stale->st_dev &&
        named.st_ino == stale->st_ino)
        nmu_any_file(dev, remove_ours);
    return ENOENT;
}

/* Opens the registry that is there; ENOENT if there is none. */
static int find_registry(struct nmu_device *dev)
{
    struct stat st;
    int fd, error = nmu_file_open(dev, NMU_REGISTRY_FILE, 0, 0, &fd, &st);

    if (error)
        return error;
    if (st.st_size == (off_t)sizeof(struct nmu_registry)) {
        error = map_registry(dev, fd);
        if (error) {
            close(fd);
            return error;
        }
        if (atomic_load_explicit(&dev->reg->magic, memory_order_acquire) == NMU_MAGIC &&
            dev->reg->version == NMU_VERSION)
            return 0;
        munmap(dev->reg, sizeof(*dev->reg) + NMU_SLACK);
        dev->reg = NULL;
        dev->registry_fd = -1;
    }
    error = refuse_or_clear(dev, fd, &st);
    close(fd);
    return error;
}

/* Lets those pass who are about to change what stands in the way. */
static void pause_for_others(void)
{
    struct timespec pause = {.tv_nsec = PAUSE_NS};

    nanosleep(&pause, NULL);
}

bool nmu_registry_whole(struct nmu_device *dev)
{
    struct stat st;

    return fstat(dev->registry_fd, &st) == 0 && st.st_size == (off_t)sizeof(*dev->reg) &&
           atomic_load_explicit(&dev->reg->magic, memory_order_relaxed) == NMU_MAGIC;
}

int nmu_registry_open(struct nmu_device *dev)
{
    nmu_guard_install();
    for (int tries = 0; tries < TRIES; tries++) {
        int error = 0;

        if (tries > 10)
            pause_for_others();
        if (dev->dirfd < 0 && (error = open_directory(dev)))
            return error;
        if (dev->reg)
            return 0;
        error = find_registry(dev);
        if (error == ENOENT)
            error = create_registry(dev);
        if (error == ENOENT) { /* the last user removed the directory meanwhile */
            nmu_registry_leave(dev);
            continue;
        }
        if (error != EEXIST)
            return error;
    }
    return nmu_fail(dev, EAGAIN, "runtime directory %s: it changes all the time, so that no registry can be opened or "
                    "made; set NMPCAP_RUNTIME_DIR to another", dev->dir);
}

void nmu_registry_leave(struct nmu_device *dev)
{
    if (dev->dirfd >= 0)
        close(dev->dirfd);
    dev->dirfd = -1;
}

void nmu_registry_remove(struct nmu_device *dev)
{
    unlinkat(dev->dirfd, NMU_REGISTRY_FILE, 0);
    if (dev->own_dir)
        rmdir(dev->dir);
}

/* Its last user died between marking it gone and unlinking it: whoever finds it still there does that.
 * Under its lock, without which nobody unlinks it, so the name cannot have come to mean another. */
int nmu_registry_unlink_gone(struct nmu_device *dev)
{
    struct stat named, ours;

    if (fstatat(dev->dirfd, NMU_REGISTRY_FILE, &named, AT_SYMLINK_NOFOLLOW) < 0 || fstat(dev->registry_fd, &ours) < 0 ||
        named.st_dev != ours.st_dev || named.st_ino != ours.st_ino)
        return 0;
    if (unlinkat(dev->dirfd, NMU_REGISTRY_FILE, 0) == 0 || errno == ENOENT)
        return 0;
    return nmu_fail(dev, errno, "runtime directory %s: %s is left of user %u's programs, and cannot be removed: %s; have "
                    "its owner do so, or set NMPCAP_RUNTIME_DIR", dev->dir, NMU_REGISTRY_FILE, (unsigned)named.st_uid,
                    strerror(errno));
}
