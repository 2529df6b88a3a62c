/*
 * The options of a port name, libnetmap's: text | meaning
 *
 *     @share=PORT                      use the memory region of another port
 *     @conf:rings=N,tx-slots=N,...     rings and slots of a port made on demand
 *     @extmem=FILE[...] or :file=      the region lives in a file, with pools of given geometry
 *     @offset=N or :initial=N,bits=N   packets begin N bytes into their buffers
 *
 * '-' and '_' are the same in a sub-key. @offset is always understood (libnetmap asks programs to
 * enable it): nothing here reads a buffer without looking at its offset.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "abi.h"
#include "netmap/portname.h"

#define AT(field) offsetof(struct nm_portname_options, field)

enum kind { PORT, TEXT, U16, U32, U64 };

struct key {
    const char *option;
    const char *name;
    enum kind kind;
    bool main; /* takes the value of @option=value, and must be given */
    size_t at;
    size_t also; /* keys without a direction set both fields; else 0 */
};

static const struct key keys[] = {
    {"share", "port", PORT, true, AT(share), 0},
    {"conf", "rings", U16, false, AT(rx_rings), AT(tx_rings)},
    {"conf", "tx-rings", U16, false, AT(tx_rings), 0},
    {"conf", "rx-rings", U16, false, AT(rx_rings), 0},
    {"conf", "host-rings", U16, false, AT(host_rx_rings), AT(host_tx_rings)},
    {"conf", "host-tx-rings", U16, false, AT(host_tx_rings), 0},
    {"conf", "host-rx-rings", U16, false, AT(host_rx_rings), 0},
    {"conf", "slots", U32, false, AT(rx_slots), AT(tx_slots)},
    {"conf", "tx-slots", U32, false, AT(tx_slots), 0},
    {"conf", "rx-slots", U32, false, AT(rx_slots), 0},
    {"extmem", "file", TEXT, true, AT(extmem_file), 0},
    {"extmem", "if-num", U32, false, AT(extmem_if_num), 0},
    {"extmem", "if-size", U32, false, AT(extmem_if_size), 0},
    {"extmem", "ring-num", U32, false, AT(extmem_ring_num), 0},
    {"extmem", "ring-size", U32, false, AT(extmem_ring_size), 0},
    {"extmem", "buf-num", U32, false, AT(extmem_buf_num), 0},
    {"extmem", "buf-size", U32, false, AT(extmem_buf_size), 0},
    {"offset", "initial", U64, true, AT(offset_initial), 0},
    {"offset", "bits", U32, false, AT(offset_bits), 0},
};

#define NUM_KEYS (sizeof(keys) / sizeof(keys[0]))

static int fault(struct nm_portname_error *error, enum nm_portname_fault what, size_t position)
{
    error->fault = what;
    error->position = position;
    return EINVAL;
}

static bool same_name(const char *name, const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len && name[i]; i++)
        if (name[i] != (text[i] == '_' ? '-' : text[i]))
            return false;
    return i == len && name[i] == '\0';
}

static bool decimal(const char *text, size_t len, uint64_t limit, uint64_t *value)
{
    uint64_t n = 0;
    size_t i;

    for (i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || n > (limit - (uint64_t)(text[i] - '0')) / 10)
            return false;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    *value = n;
    return len > 0;
}

static void store(void *options, const struct key *key, size_t at, uint64_t value)
{
    char *field = (char *)options + at;
    uint16_t small = (uint16_t)value;
    uint32_t medium = (uint32_t)value;

    if (key->kind == U16)
        memcpy(field, &small, sizeof(small));
    else if (key->kind == U32)
        memcpy(field, &medium, sizeof(medium));
    else
        memcpy(field, &value, sizeof(value));
}

/* The value at spec[from, to) into the key's field. */
static int set_value(const char *spec, size_t from, size_t to, const struct key *key,
                     struct nm_portname_options *options, struct nm_portname_error *error)
{
    static const uint64_t limits[] = {[U16] = UINT16_MAX, [U32] = UINT32_MAX, [U64] = UINT64_MAX};
    char text[sizeof(options->extmem_file)] = "";
    uint64_t value;

    if (to == from || to - from >= sizeof(text))
        return fault(error, NM_PORTNAME_BAD_VALUE, from);
    if (key->kind == PORT) {
        struct nmreq_header header;
        size_t end = 0;

        memcpy(text, spec + from, to - from);
        if (nm_portname_header(text, &end, &header, error))
            return fault(error, error->fault, from + error->position);
        if (text[end] != '\0')
            return fault(error, NM_PORTNAME_UNEXPECTED, from + end);
        memcpy(options->share, header.nr_name, sizeof(options->share));
        return 0;
    }
    if (key->kind == TEXT) {
        memcpy(text, spec + from, to - from);
        memcpy(options->extmem_file, text, sizeof(text));
        return 0;
    }
    if (!decimal(spec + from, to - from, limits[key->kind], &value))
        return fault(error, NM_PORTNAME_BAD_VALUE, from);
    store(options, key, key->at, value);
    if (key->also)
        store(options, key, key->also, value);
    return 0;
}

/* The key called text[0, len) of an option; len 0: its main key. NULL: none. */
static const struct key *find_key(const char *option, size_t option_len, const char *text, size_t len)
{
    size_t k;

    for (k = 0; k < NUM_KEYS; k++)
        if (same_name(keys[k].option, option, option_len) &&
            (len ? same_name(keys[k].name, text, len) : keys[k].main))
            return &keys[k];
    return NULL;
}

static bool is_option(const char *text, size_t len)
{
    size_t k;

    for (k = 0; k < NUM_KEYS; k++)
        if (same_name(keys[k].option, text, len))
            return true;
    return false;
}

/* Takes one "key=value" of an option and notes in *seen that it was there. */
static int assign(const char *spec, const struct key *key, size_t name, size_t from, size_t to,
                  struct nm_portname_options *options, uint32_t *seen, struct nm_portname_error *error)
{
    uint32_t bit;

    if (!key)
        return fault(error, NM_PORTNAME_BAD_KEY, name);
    bit = UINT32_C(1) << (key - keys);
    if (*seen & bit)
        return fault(error, NM_PORTNAME_KEY_TWICE, name);
    *seen |= bit;
    return set_value(spec, from, to, key, options, error);
}

/* One option: spec[i] is behind its '@', spec[end] the next '@' or the end. */
static int option(const char *spec, size_t i, size_t end, struct nm_portname_options *options, uint32_t *seen,
                  struct nm_portname_error *error)
{
    size_t len = strcspn(spec + i, ":=@"), at = i + len, main_key;
    const struct key *key;
    int failed;

    if (len == 0)
        return fault(error, at == end ? NM_PORTNAME_ENDS_EARLY : NM_PORTNAME_BAD_OPTION, at);
    if (!is_option(spec + i, len))
        return fault(error, NM_PORTNAME_BAD_OPTION, i);
    if (at == end)
        return fault(error, NM_PORTNAME_ENDS_EARLY, at);
    if (spec[at] == '=')
        return assign(spec, find_key(spec + i, len, NULL, 0), i, at + 1, end, options, seen, error);
    do {
        size_t name = at + 1, comma = name + strcspn(spec + name, ",@");
        size_t equals = name + strcspn(spec + name, "=,@");

        if (equals == name || spec[equals] != '=')
            return fault(error, equals < end ? NM_PORTNAME_BAD_KEY : NM_PORTNAME_ENDS_EARLY, equals);
        failed = assign(spec, find_key(spec + i, len, spec + name, equals - name), name, equals + 1, comma,
                        options, seen, error);
        if (failed)
            return failed;
        at = comma;
    } while (at < end);
    key = find_key(spec + i, len, NULL, 0);
    main_key = key ? (size_t)(key - keys) : 0;
    if (key && !(*seen & UINT32_C(1) << main_key))
        return fault(error, NM_PORTNAME_MISSING_KEY, i);
    return 0;
}

int nm_portname_options(const char *spec, size_t *position, struct nm_portname_options *options,
                        struct nm_portname_error *error)
{
    struct nm_portname_options result = *options;
    size_t i = *position;
    uint32_t seen = 0;
    size_t k;

    while (spec[i] == '@') {
        size_t end = i + 1 + strcspn(spec + i + 1, "@");
        int failed = option(spec, i + 1, end, &result, &seen, error);

        if (failed)
            return failed;
        i = end;
    }
    if (spec[i] != '\0')
        return fault(error, NM_PORTNAME_UNEXPECTED, i);
    for (k = 0; k < NUM_KEYS; k++)
        if (keys[k].at == AT(offset_initial) && seen & UINT32_C(1) << k)
            result.has_offset = 1;
    *options = result;
    *position = i;
    return 0;
}
