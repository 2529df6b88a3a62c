/* What a savefile's reader can be asked beside packets. */
#include <errno.h>

#include "savefile/format.h"

int nm_savefile_fill(struct nm_source *source, struct nm_view *views, uint32_t capacity)
{
    struct nm_batch batch = {.views = views, .capacity = capacity};

    return source->ops->fill(source, &batch);
}

int nm_savefile_wait(struct nm_source *source, int timeout_ms)
{
    return source->ops->wait(source, timeout_ms);
}

void nm_savefile_close(struct nm_source *source)
{
    source->ops->close(source);
}

const char *nm_savefile_msg(struct nm_source *source)
{
    return source->msg;
}

uint64_t nm_savefile_offset(struct nm_source *source)
{
    struct nm_reader *reader = (struct nm_reader *)source;

    return reader->failure ? reader->failure_at : nm_input_offset(&reader->in);
}

void nm_savefile_get_info(struct nm_source *source, struct nm_savefile_info *info)
{
    *info = ((struct nm_reader *)source)->info;
}

void nm_savefile_get_damage(struct nm_source *source, struct nm_savefile_damage *damage)
{
    *damage = ((struct nm_reader *)source)->damage;
}

uint32_t nm_savefile_interfaces(struct nm_source *source)
{
    return ((struct nm_reader *)source)->interface_count;
}

int nm_savefile_interface(struct nm_source *source, uint32_t ifindex, struct nm_savefile_interface *interface)
{
    struct nm_reader *reader = (struct nm_reader *)source;
    const struct nm_saved_interface *known;

    if (ifindex >= reader->interface_count)
        return -EINVAL;
    known = &reader->interfaces[ifindex];
    *interface = (struct nm_savefile_interface){
        .linktype = known->linktype,
        .file_linktype = known->file_linktype,
        .snaplen = known->snaplen,
        .section = known->section,
        .tsoffset_s = known->tsoffset_s,
        .ts_units = known->units,
        .options = known->options,
        .options_len = known->options_len,
        .swapped = known->swapped,
    };
    return 0;
}
