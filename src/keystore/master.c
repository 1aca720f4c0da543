// SPDX-License-Identifier: Apache-2.0
#include "keystore/master.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "codec/borsh.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "secrets/record.h"
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET 32
#define TEXT_MAX (128 * (GENERATIONS_MAX + 1)) // of master.key
#define SALT SLICE_LIT("outlayer-keystore-v1")

struct generation {
    uint32_t number;
    uint8_t secret[SECRET];
};
struct vault { // in locked memory
    uint8_t identity[SECRET];
    struct secret_key key;
    struct generation generations[GENERATIONS_MAX];
    size_t count;
};
struct master {
    pthread_rwlock_t lock; // over vault->generations and count
    struct vault *vault;
    struct public_key identity;
    char *home;
    bool from_file;
};

// --- derivation

static void check_value(const struct generation *g, char hex[static 33]) {
    uint8_t check[16];
    hkdf_sha256(check, sizeof check, SALT, slice_of(g->secret, SECRET), SLICE_LIT("check"));
    hex_encode(hex, slice_of(check, sizeof check));
}

static const struct generation *find(const struct vault *v, uint32_t number) {
    for (size_t i = 0; i < v->count; i++)
        if (v->generations[i].number == number)
            return &v->generations[i];
    return NULL;
}

bool master_derive(struct master *m, const struct scope *s, uint32_t generation, struct hpke_pair *out, struct err *e) {
    uint8_t secret[HPKE_KEY];
    SCOPED_BUF(info, 2048);
    if (!scope_check(s, e))
        return false;
    borsh_put_text(&info, "recipient");
    record_put_scope(&info, s);
    borsh_put_u32(&info, generation);
    pthread_rwlock_rdlock(&m->lock);
    const struct generation *g = find(m->vault, generation);
    if (g)
        hkdf_sha256(secret, sizeof secret, SALT, slice_of(g->secret, SECRET), buf_slice(&info));
    pthread_rwlock_unlock(&m->lock);
    if (!g)
        return err_set(e, ERR_NOT_FOUND, "this keystore has no generation %u of its secret", generation);
    hpke_pair_of(out, secret);
    sodium_memzero(secret, sizeof secret);
    return true;
}

uint32_t master_generation(struct master *m) {
    pthread_rwlock_rdlock(&m->lock);
    uint32_t n = m->vault->generations[m->vault->count - 1].number;
    pthread_rwlock_unlock(&m->lock);
    return n;
}

struct public_key master_identity(const struct master *m) {
    return m->identity;
}

struct signature master_sign(const struct master *m, const struct hash *record) {
    return secret_key_sign(&m->vault->key, hash_slice(record));
}

// --- the file

static bool take_line(struct vault *v, struct slice line, bool *has_identity, struct err *e) {
    const uint8_t *space = line.len ? memchr(line.ptr, ' ', line.len) : NULL;
    struct slice name = slice_of(line.ptr, space ? (size_t)(space - line.ptr) : line.len);
    struct slice hex = slice_skip(line, name.len + 1);
    uint64_t number;
    if (slice_eq_str(name, "identity")) {
        *has_identity = true;
        return hex_decode_exact(v->identity, SECRET, hex, e);
    }
    if (!text_u64(name, &number) || number == 0 || number > UINT32_MAX)
        return err_set(e, ERR_CORRUPT, "a line begins neither with 'identity' nor with a generation's number");
    if (v->count == GENERATIONS_MAX || (v->count && v->generations[v->count - 1].number >= number))
        return err_set(e, ERR_CORRUPT, "there are more than %d generations, or they do not ascend", GENERATIONS_MAX);
    v->generations[v->count].number = (uint32_t)number;
    return hex_decode_exact(v->generations[v->count++].secret, SECRET, hex, e);
}

static bool take_text(struct vault *v, struct slice text, struct err *e) {
    bool has_identity = false;
    while (text.len) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        struct slice line = slice_of(text.ptr, end ? (size_t)(end - text.ptr) : text.len);
        text = slice_skip(text, line.len + 1);
        if (line.len && !take_line(v, line, &has_identity, e)) {
            err_set(e, ERR_CORRUPT, "the master secret is not in its form"); // without what it says
            return err_hint(e, "lines are `identity HEX` and `GENERATION HEX`, generations ascending, 64 digits each");
        }
    }
    return (has_identity && v->count) ||
           err_set(e, ERR_CORRUPT, "the master secret lacks its identity or has no generation");
}

// " HEX" and the line's end, made in place: printf would leave pieces of it on the stack.
static void put_secret(struct buf *b, const uint8_t secret[static SECRET]) {
    buf_add_byte(b, ' ');
    char *to = (char *)buf_room(b, 2 * SECRET);
    BUG_ON(!to);
    hex_encode(to, slice_of(secret, SECRET));
    buf_commit(b, 2 * SECRET);
    buf_add_byte(b, '\n');
}

static bool write_secret(const struct master *m, struct err *e) {
    SCOPED_WIPED_BUF(b, TEXT_MAX);
    SCOPED_ARENA(a);
    buf_add_str(&b, "identity");
    put_secret(&b, m->vault->identity);
    for (size_t i = 0; i < m->vault->count; i++) {
        buf_printf(&b, "%u", m->vault->generations[i].number);
        put_secret(&b, m->vault->generations[i].secret);
    }
    BUG_ON(b.full);
    return file_write_atomic(arena_printf(a, "%s/master.key", m->home), buf_slice(&b), 0600, e);
}

static void add_generation(struct vault *v) {
    struct generation *g = &v->generations[v->count];
    g->number = v->count ? v->generations[v->count - 1].number + 1 : 1;
    randombytes_buf(g->secret, SECRET);
    v->count++;
}

// --- what is known about it beside it

static bool write_facts(const struct master *m, struct err *e) {
    SCOPED_ARENA(a);
    SCOPED_JSON(facts) = json_object();
    json_t *list = json_array();
    char hex[33];
    json_set_u64(facts, "version", 1);
    json_set_text(facts, "identity", public_key_text(a, &m->identity));
    json_object_set_new(facts, "generations", list);
    for (size_t i = 0; i < m->vault->count; i++) {
        json_t *one = json_object();
        check_value(&m->vault->generations[i], hex);
        json_set_u64(one, "generation", m->vault->generations[i].number);
        json_set_text(one, "check", hex);
        json_array_append_new(list, one);
    }
    return file_write_atomic(arena_printf(a, "%s/keystore.json", m->home), slice_str(json_text(a, facts)), 0600, e);
}

static bool check_generation(const struct master *m, const json_t *fact, struct err *e) {
    uint64_t number;
    const char *check;
    char hex[33] = "";
    if (!json_get_u64(fact, "generation", &number, e) || !json_get_text(fact, "check", &check, e))
        return false;
    const struct generation *g = number <= UINT32_MAX ? find(m->vault, (uint32_t)number) : NULL;
    if (g)
        check_value(g, hex);
    return strcmp(hex, check) == 0 || err_set(e, ERR_CORRUPT, "the master secret has another generation %llu, or none",
                                              (unsigned long long)number);
}

static bool check_facts(const struct master *m, struct arena *a, struct slice text, struct err *e) {
    uint64_t version;
    const char *identity;
    json_t *list;
    SCOPED_JSON(facts) = json_parse(text, 1 << 20, e);
    if (!facts || !json_get_u64(facts, "version", &version, e) || !json_get_text(facts, "identity", &identity, e) ||
        !json_get_array(facts, "generations", &list, e))
        return err_wrap(e, "%s/keystore.json", m->home);
    if (version != 1)
        return err_set(e, ERR_CORRUPT, "%s/keystore.json is of a newer version", m->home);
    if (strcmp(identity, public_key_text(a, &m->identity)) != 0)
        return err_set(e, ERR_CORRUPT, "the master secret has another identity than %s", identity);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!check_generation(m, json_array_get(list, i), e))
            return false;
    return true;
}

// --- start

static bool lost_secret(struct err *e) {
    err_set(e, ERR_CORRUPT, "there are data of a keystore (keystore.json) but not its master secret (master.key)");
    return err_hint(e, "restore master.key from its backup; only if every sealed secret may be lost, remove "
                       "keystore.json and start anew");
}

static bool check_private(const char *path, struct err *e) {
    struct stat st;
    if (stat(path, &st) != 0 || !(st.st_mode & 077))
        return true;          // one that is not there is another matter
    if (!(st.st_mode & 07)) { // volumes of containers give a group of their own rights to all files
        log_warn("%s is open to group %u (mode %04o)", path, (unsigned)st.st_gid, (unsigned)st.st_mode & 07777);
        return true;
    }
    err_set(e, ERR_SETTINGS, "%s is open to others (mode %04o)", path, (unsigned)st.st_mode & 07777);
    return err_hint(e, "chmod 600 %s; if somebody may have read it, seal the secrets anew with another master", path);
}

// Reads or makes the secret. *fresh: nothing was there.
static bool get_secret(struct master *m, struct arena *a, int fd, bool known, bool *fresh, struct err *e) {
    const char *path = arena_printf(a, "%s/master.key", m->home);
    struct slice text;
    struct err why;
    if (fd >= 0) {
        bool ok = file_read_secret_fd(a, fd, "MASTER_SECRET_FD", TEXT_MAX, &text, e) && take_text(m->vault, text, e);
        close(fd);
        return ok;
    }
    m->from_file = true;
    file_remove_unfinished(path);
    if (!check_private(path, e))
        return false;
    if (file_read_secret(a, path, TEXT_MAX, &text, &why))
        return take_text(m->vault, text, e) || err_wrap(e, "%s", path);
    if (why.code != ERR_NOT_FOUND) {
        *e = why;
        return false;
    }
    if (known)
        return lost_secret(e);
    randombytes_buf(m->vault->identity, SECRET);
    add_generation(m->vault);
    *fresh = true;
    return true;
}

static bool prepare(struct master *m, struct arena *a, int fd, struct err *e) {
    struct slice facts;
    struct err why = {0};
    bool fresh = false;
    bool known = file_read(a, arena_printf(a, "%s/keystore.json", m->home), 1 << 20, &facts, &why);
    if (!known && why.code != ERR_NOT_FOUND) {
        *e = why;
        return false;
    }
    if (!get_secret(m, a, fd, known, &fresh, e))
        return false;
    secret_key_from_seed(&m->vault->key, m->vault->identity);
    m->identity = secret_key_public(&m->vault->key);
    if (known && !check_facts(m, a, facts, e))
        return err_hint(e, "this master secret belongs to another keystore, or is older than the data; restore the "
                           "right one");
    return (!fresh || write_secret(m, e)) && write_facts(m, e); // the secret first: facts alone stop the next start
}

bool master_open(struct master **out, const char *home, int fd, struct err *e) {
    struct arena *a = arena_new();
    struct master *m = xcalloc(1, sizeof *m);
    pthread_rwlock_init(&m->lock, NULL);
    m->home = xstrdup(home);
    m->vault = sodium_malloc(sizeof *m->vault);
    BUG_ON(!m->vault);
    sodium_memzero(m->vault, sizeof *m->vault);
    bool ok = prepare(m, a, fd, e);
    arena_free_wiped(a);
    if (!ok) {
        master_free(m);
        return false;
    }
    *out = m;
    return true;
}

void master_free(struct master *m) {
    if (!m)
        return;
    sodium_free(m->vault); // wipes
    pthread_rwlock_destroy(&m->lock);
    free(m->home);
    free(m);
}

bool master_rotate(struct master *m, struct err *e) {
    if (!m->from_file)
        return err_set(e, ERR_SETTINGS, "the master secret came by a descriptor: add a generation where it is kept");
    pthread_rwlock_wrlock(&m->lock);
    bool room = m->vault->count < GENERATIONS_MAX, ok = room;
    if (room) {
        add_generation(m->vault);
        ok = write_secret(m, e); // before anything can be sealed with it
        if (!ok)
            sodium_memzero(&m->vault->generations[--m->vault->count], sizeof(struct generation));
    }
    pthread_rwlock_unlock(&m->lock);
    if (!room)
        return err_set(e, ERR_LIMIT, "a keystore keeps at most %d generations", GENERATIONS_MAX);
    return ok && write_facts(m, e);
}
