/* The files of a runtime directory: their names, and the one way to open them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "usernet/files.h"

static const char *const format[] = {
    [NMU_FILE_REGION] = "nmpcap-region-%u-%u",
    [NMU_FILE_PORT] = "nmpcap-port-%u-%u",
};

void nmu_file_name(char name[NMU_FILE_NAME_SIZE], enum nmu_file kind, uint32_t index, uint32_t generation)
{
    snprintf(name, NMU_FILE_NAME_SIZE, format[kind], index, generation);
}

enum nmu_file nmu_file_parse(const char *name, uint32_t *index, uint32_t *generation)
{
    char again[NMU_FILE_NAME_SIZE];

    if (!strcmp(name, NMU_REGISTRY_FILE))
        return NMU_FILE_REGISTRY;
    for (enum nmu_file kind = NMU_FILE_REGION; kind <= NMU_FILE_PORT; kind++)
        if (sscanf(name, format[kind], index, generation) == 2) {
            nmu_file_name(again, kind, *index, *generation);
            if (!strcmp(name, again))
                return kind;
        }
    return NMU_FILE_FOREIGN;
}

/* Whether a file's owner is one of those that the directory lets in. */
static bool is_members(const struct nmu_device *dev, const struct stat *st)
{
    return st->st_uid == geteuid() || st->st_uid == dev->dir_uid || (dev->file_mode & 0006) ||
           ((dev->file_mode & 0060) && st->st_gid == dev->dir_gid);
}

static int not_plain(struct nmu_device *dev, const char *name)
{
    return nmu_fail(dev, EPERM, "runtime directory %s: %s is not the plain file it should be; remove it, or set "
                    "NMPCAP_RUNTIME_DIR", dev->dir, name);
}

static int check(struct nmu_device *dev, const char *name, uint64_t size, uint64_t inode, const struct stat *st)
{
    if (!S_ISREG(st->st_mode) || st->st_nlink != 1)
        return not_plain(dev, name);
    if (!is_members(dev, st))
        return nmu_fail(dev, EPERM, "runtime directory %s: %s belongs to user %u, who is nobody that the directory lets "
                        "in; remove it, or set NMPCAP_RUNTIME_DIR", dev->dir, name, (unsigned)st->st_uid);
    if ((size && (uint64_t)st->st_size != size) || (inode && st->st_ino != inode))
        return nmu_fail(dev, ESTALE, "runtime directory %s: %s is not what was made there: somebody has replaced it or "
                        "cut it short", dev->dir, name);
    return 0;
}

int nmu_file_open(struct nmu_device *dev, const char *name, uint64_t size, uint64_t inode, int *fd, struct stat *st)
{
    int error;

    *fd = openat(dev->dirfd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT)
        return ENOENT;
    if (*fd < 0) {
        error = errno;
        if (error == EACCES && fstatat(dev->dirfd, name, st, AT_SYMLINK_NOFOLLOW) == 0)
            return nmu_fail(dev, error, "runtime directory %s: cannot open %s, of user %u: %s; remove it, or set "
                            "NMPCAP_RUNTIME_DIR", dev->dir, name, (unsigned)st->st_uid, strerror(error));
        if (error == ELOOP || error == EISDIR || error == ENXIO)
            return not_plain(dev, name);
        return nmu_fail(dev, error, "runtime directory %s: cannot open %s: %s", dev->dir, name, strerror(error));
    }
    error = fstat(*fd, st) < 0 ? errno : check(dev, name, size, inode, st);
    if (error) {
        close(*fd);
        *fd = -1;
    }
    return error;
}

void *nmu_file_map(int fd, size_t size)
{
    void *place = mmap(NULL, size + NMU_SLACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *base = place == MAP_FAILED ? place : mmap(place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    int error = errno;

    if (base != MAP_FAILED)
        return base;
    if (place != MAP_FAILED)
        munmap(place, size + NMU_SLACK);
    errno = error;
    return NULL;
}

int nmu_file_share(const struct nmu_device *dev, int fd)
{
    mode_t mode = dev->file_mode;

    /* A group that the file cannot be given must not be let in by way of another one. */
    if ((mode & 0060) && fchown(fd, (uid_t)-1, dev->dir_gid) < 0)
        mode &= (mode_t)~0060;
    return fchmod(fd, mode) < 0 ? errno : 0;
}

void nmu_socket_share(const struct nmu_device *dev, const char *name)
{
    int fd = openat(dev->dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    mode_t mode = dev->file_mode;
    char path[32];
    struct stat st;

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid()) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if ((mode & 0060) && chown(path, (uid_t)-1, dev->dir_gid) < 0)
            mode &= (mode_t)~0060;
        (void)!chmod(path, mode);
    }
    close(fd);
}
