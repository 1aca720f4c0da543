// SPDX-License-Identifier: Apache-2.0
#include "ledger/state.h"

#include "base/text.h"

struct entry {
    struct entry *next; // of the same slot
    uint64_t hash;
    bool set;           // false: as below
    struct blob *value; // NULL: removed
    size_t stamp;       // of the record that noted it last
    size_t key_len;
    uint8_t key[];
};
struct undo {
    struct entry *entry;
    bool was_set;
    struct blob *value; // before the change; holds a reference
};

struct state {
    struct trie_node *base;
    struct arena *arena;
    struct entry **slots;
    size_t slot_count; // a power of two
    struct entry **entries;
    size_t entry_count, entry_room;
    struct undo *undo;
    size_t undo_count, undo_room;
    struct chain_change *changes;
    size_t change_count, change_room;
    size_t stamp;
    struct chain_write *writes;
};

// Room for one more element.
#define GROW(list, count, room)                                                                                        \
    do {                                                                                                               \
        if ((count) == (room)) {                                                                                       \
            (room) = (room) ? 2 * (room) : 64;                                                                         \
            (list) = xrealloc((list), (room) * sizeof *(list));                                                        \
        }                                                                                                              \
    } while (0)

struct state *state_new(struct trie_node *base, struct arena *a) {
    struct state *s = xcalloc(1, sizeof *s);
    s->base = base;
    s->arena = a;
    s->slot_count = 256;
    s->slots = xcalloc(s->slot_count, sizeof *s->slots);
    return s;
}

void state_free(struct state *s) {
    if (!s)
        return;
    for (size_t i = 0; i < s->undo_count; i++)
        blob_unref(s->undo[i].value);
    for (size_t i = 0; i < s->entry_count; i++) {
        blob_unref(s->entries[i]->value);
        free(s->entries[i]);
    }
    trie_unref(s->base);
    free(s->slots);
    free(s->entries);
    free(s->undo);
    free(s->changes);
    free(s->writes);
    free(s);
}

static struct entry *find(const struct state *s, struct slice key, uint64_t hash) {
    struct entry *e = s->slots[hash & (s->slot_count - 1)];
    while (e && (e->hash != hash || !slice_eq(slice_of(e->key, e->key_len), key)))
        e = e->next;
    return e;
}

static void spread(struct state *s) {
    s->slot_count *= 4;
    free(s->slots);
    s->slots = xcalloc(s->slot_count, sizeof *s->slots);
    for (size_t i = 0; i < s->entry_count; i++) {
        struct entry **slot = &s->slots[s->entries[i]->hash & (s->slot_count - 1)];
        s->entries[i]->next = *slot;
        *slot = s->entries[i];
    }
}

static struct entry *find_or_add(struct state *s, struct slice key) {
    uint64_t hash = table_hash(key, 0);
    struct entry *e = find(s, key, hash);
    if (e)
        return e;
    if (s->entry_count >= s->slot_count)
        spread(s);
    e = xmalloc(sizeof *e + key.len);
    *e = (struct entry){.hash = hash, .key_len = key.len};
    memcpy(e->key, key.ptr, key.len);
    struct entry **slot = &s->slots[hash & (s->slot_count - 1)];
    e->next = *slot;
    *slot = e;
    GROW(s->entries, s->entry_count, s->entry_room);
    s->entries[s->entry_count++] = e;
    return e;
}

struct blob *state_get(struct state *s, struct slice key) {
    struct entry *e = s->entry_count ? find(s, key, table_hash(key, 0)) : NULL;
    return e && e->set ? e->value : trie_get(s->base, key);
}

bool state_touched(struct state *s, struct slice key) {
    struct entry *e = find(s, key, table_hash(key, 0));
    return e && e->set;
}

unsigned state_depth(struct state *s, struct slice key) { return trie_depth(s->base, key); }

static void change(struct state *s, struct slice key, struct blob *value) {
    struct entry *e = find_or_add(s, key);
    GROW(s->undo, s->undo_count, s->undo_room);
    s->undo[s->undo_count++] = (struct undo){e, e->set, e->value};
    e->set = true;
    e->value = value;
}

void state_put(struct state *s, struct slice key, struct slice value) { change(s, key, blob_new(value)); }
void state_remove(struct state *s, struct slice key) { change(s, key, NULL); }

size_t state_mark(struct state *s) { return s->undo_count; }

void state_rollback(struct state *s, size_t mark) {
    while (s->undo_count > mark) {
        struct undo *u = &s->undo[--s->undo_count];
        blob_unref(u->entry->value);
        u->entry->value = u->value;
        u->entry->set = u->was_set;
    }
}

// --- what the changes were -------------------------------------------------------------------------------------------

static size_t account_len(struct slice key, uint8_t end) {
    const uint8_t *at = key.len > 1 ? memchr(key.ptr + 1, end, key.len - 1) : NULL;
    return at ? (size_t)(at - key.ptr) - 1 : key.len - 1;
}

static bool describe(struct state *s, const struct entry *e, struct chain_change *c) {
    struct slice key = slice_of(e->key, e->key_len), value = arena_copy(s->arena, blob_slice(e->value));
    size_t id_len = key.len - 1;
    c->removed = !e->value;
    if (key.ptr[0] > COLUMN_ACCESS_KEY && key.ptr[0] != COLUMN_DATA)
        return false; // bookkeeping that NEAR does not show
    switch (key.ptr[0]) {
    case COLUMN_ACCOUNT:
        c->kind = CHANGE_ACCOUNT;
        if (e->value && !account_decode(&c->account, value))
            return false;
        break;
    case COLUMN_CODE:
        c->kind = CHANGE_CODE;
        c->data = value;
        break;
    case COLUMN_ACCESS_KEY: {
        c->kind = CHANGE_ACCESS_KEY;
        id_len = account_len(key, COLUMN_ACCESS_KEY);
        struct borsh r = {.left = value};
        c->access = e->value ? access_key_decode(&r, s->arena) : (struct access_key){0};
        if (r.bad || !access_key_of(&c->key, key, id_len))
            return false;
        break;
    }
    case COLUMN_DATA:
        c->kind = CHANGE_DATA;
        id_len = account_len(key, ',');
        c->data_key = arena_copy(s->arena, slice_skip(key, id_len + 2));
        c->data = value;
        break;
    }
    return text_copy(c->account_id.s, sizeof c->account_id.s, slice_of(key.ptr + 1, id_len));
}

void state_record(struct state *s, size_t mark, enum change_cause cause, const struct hash *cause_hash) {
    s->stamp++;
    for (size_t i = mark; i < s->undo_count; i++) {
        struct entry *e = s->undo[i].entry;
        if (e->stamp == s->stamp)
            continue;
        e->stamp = s->stamp;
        GROW(s->changes, s->change_count, s->change_room);
        struct chain_change c = {.cause = cause};
        if (cause_hash)
            c.cause_hash = *cause_hash;
        if (describe(s, e, &c))
            s->changes[s->change_count++] = c;
    }
}

const struct chain_change *state_changes(struct state *s, size_t *count) {
    *count = s->change_count;
    struct chain_change *list = arena_calloc(s->arena, s->change_count, sizeof *list);
    if (s->change_count)
        memcpy(list, s->changes, s->change_count * sizeof *list);
    return list;
}

const struct chain_write *state_writes(struct state *s, size_t *count) {
    free(s->writes);
    s->writes = xcalloc(s->entry_count + 1, sizeof *s->writes);
    *count = 0;
    for (size_t i = 0; i < s->entry_count; i++) {
        const struct entry *e = s->entries[i];
        if (e->set)
            s->writes[(*count)++] = (struct chain_write){slice_of(e->key, e->key_len), blob_slice(e->value), !e->value};
    }
    return s->writes;
}

struct trie_node *state_publish(struct state *s) {
    struct trie_node *root = trie_ref(s->base);
    for (size_t i = 0; i < s->entry_count; i++) {
        struct entry *e = s->entries[i];
        struct slice key = slice_of(e->key, e->key_len);
        if (e->set)
            root = e->value ? trie_put(root, key, blob_ref(e->value)) : trie_remove(root, key);
    }
    return root;
}

struct collected {
    struct slice key;
    struct blob *value;
};
struct collect {
    struct state *state;
    struct collected *list;
    size_t count, room;
};

static bool collect_base(void *ctx, struct slice key, struct blob *value) {
    struct collect *c = ctx;
    (void)value;
    struct blob *now = state_get(c->state, key);
    if (!now)
        return true;
    GROW(c->list, c->count, c->room);
    c->list[c->count++] = (struct collected){arena_copy(c->state->arena, key), now};
    return true;
}

static void collect_new(struct collect *c, struct slice prefix) {
    struct state *s = c->state;
    for (size_t i = 0; i < s->entry_count; i++) {
        struct entry *e = s->entries[i];
        struct slice key = slice_of(e->key, e->key_len);
        if (!e->set || !e->value || !slice_starts(key, prefix) || trie_get(s->base, key))
            continue;
        GROW(c->list, c->count, c->room);
        c->list[c->count++] = (struct collected){key, e->value};
    }
}

bool state_walk(struct state *s, struct slice prefix, trie_each_fn *each, void *ctx) {
    struct collect c = {.state = s};
    trie_walk(s->base, prefix, collect_base, &c);
    collect_new(&c, prefix);
    bool go_on = true;
    for (size_t i = 0; i < c.count && go_on; i++)
        go_on = each(ctx, c.list[i].key, c.list[i].value);
    free(c.list);
    return go_on;
}
