/*
 * files: what lies in a runtime directory, by name, and opened only after a look at it.
 *
 * Others may write into a shared directory: a name may lead anywhere. So no link is followed, and what has
 * been opened is checked before anything is done to it: a regular file with one name, of an owner whom the
 * directory lets in, of the size and, where it was recorded, the inode that it was made with.
 */
#ifndef NMPCAP_USERNET_FILES_H
#define NMPCAP_USERNET_FILES_H

#include <sys/stat.h>

#include "usernet/impl.h"

#define NMU_REGISTRY_FILE "nmpcap-registry"
#define NMU_FILE_NAME_SIZE 48

enum nmu_file { NMU_FILE_FOREIGN, NMU_FILE_REGISTRY, NMU_FILE_REGION, NMU_FILE_PORT };

/* The name of a region's file or of a descriptor's socket. */
void nmu_file_name(char name[NMU_FILE_NAME_SIZE], enum nmu_file kind, uint32_t index, uint32_t generation);

/* What a name is the name of: ours as they are written, to the letter; all else is foreign. */
enum nmu_file nmu_file_parse(const char *name, uint32_t *index, uint32_t *generation);

/* Opens one to read and write. 0 with *fd and *st set; ENOENT, without a message, where it is not there; else what is
 * wrong with it. size and inode are what they must be; 0: anything. */
int nmu_file_open(struct nmu_device *, const char *name, uint64_t size, uint64_t inode, int *fd, struct stat *st);

/* Maps a file to read and write, with NMU_SLACK bytes of this process's own behind it: NULL, see errno. */
#define NMU_SLACK (128u << 10)
void *nmu_file_map(int fd, size_t size);

/* Gives a file of ours the group and the mode of the directory: 0 or an errno value. */
int nmu_file_share(const struct nmu_device *, int fd);

/* The same for a socket that has just been bound to a name; nothing is done to what is no socket of ours. */
void nmu_socket_share(const struct nmu_device *, const char *name);

#endif
