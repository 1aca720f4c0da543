// SPDX-License-Identifier: Apache-2.0
#include "secrets.h"
#include "events.h"
#include "sdk/reply.h"

#define VERSION 1
#define ROW_MAX (1024 + ACCESS_MAX)
#define SLOT_SIZE (HASH_SIZE + 4)
#define COUNTER_BYTES (RECORD_BYTES + 1 + HASH_SIZE + 4)

// --- names

void profile_check(struct text profile) {
    require(profile.len > 0, "Profile cannot be empty");
    require(profile.len <= PROFILE_MAX, "Profile name too long (max 64 chars)");
    require(text_valid(profile.ptr, profile.len, PROFILE_MAX, RULE_WORD),
            "Profile name must contain only alphanumeric, dash, or underscore");
}

#define NAME_SENTENCE "Repository must be host/owner/name, branch one that git takes"

// What a row's key has room for. Rows of older versions may have names that no repository has: their owners find and
// delete them still.
static void repo_check(struct text repo) {
    require(repo.len > 0, "Repository cannot be empty");
    require(repo.len <= REPO_MAX, NAME_SENTENCE);
}

// A new row is named as the keystore looks secrets up, which reads repositories by the same rules.
static void name_check_new(const struct secret_name *n) {
    require(repo_valid(n->repo.ptr, n->repo.len) && (!n->branch.ptr || ref_valid(n->branch.ptr, n->branch.len)),
            NAME_SENTENCE);
}

void secret_name_check(const struct secret_name *n) {
    repo_check(n->repo);
    profile_check(n->profile);
    require(!n->branch.ptr || n->branch.len > 0, "Branch name cannot be empty if provided");
    require(n->branch.len <= REF_MAX, "Branch name too long (max 255 chars)");
}

#define ROW(kind, member) REC_##kind(struct secret_row, member)
static const struct rec_field row_fields[] = {
    ROW(RAW, owner_slot),     ROW(RAW, repo_slot),       ROW(WHO, name.owner), ROW(STRING, name.repo),
    ROW(STRING, name.branch), ROW(STRING, name.profile), ROW(STRING, access),  ROW(RAW, created_at),
    ROW(RAW, updated_at),     ROW(RAW, deposit),
};
static const struct rec_shape row_shape = REC_SHAPE(row_fields);
#define NAME_AT 2 // the name's members among the fields
#define NAME_COUNT 4

static struct hash hash_of(const struct secret_name *n) {
    static const struct rec_shape shape = {row_fields + NAME_AT, NAME_COUNT};
    uint8_t bytes[1024];
    struct rec_out r = REC_OUT(bytes);
    struct secret_row row = {.name = *n};
    rec_put_shape(&r, &shape, &row);
    return sha256_of(REC_TEXT(r));
}

// --- keys of records

struct long_key {
    char b[1 + 4 + REPO_MAX];
    size_t len;
};

static struct text key_text(const struct long_key *k) { return (struct text){k->b, k->len}; }

static struct long_key hash_key(char letter, const struct hash *h) {
    struct long_key k = {.len = 1 + HASH_SIZE};
    k.b[0] = letter;
    memcpy(k.b + 1, h->b, HASH_SIZE);
    return k;
}

static struct long_key slot_key(char list, uint32_t slot, struct text of) {
    struct long_key k = {.len = 5 + of.len};
    k.b[0] = list;
    memcpy(k.b + 1, &slot, 4);
    memcpy(k.b + 5, of.ptr, of.len);
    return k;
}

// --- lists of rows

struct slot {
    uint8_t b[SLOT_SIZE]; // the row's hash; in slot 0 the number of rows, elsewhere 0
};

static struct slot slot_load(char list, struct text of, uint32_t at) {
    struct slot s = {0};
    size_t len;
    struct long_key k = slot_key(list, at, of);
    store_get(key_text(&k), s.b, sizeof s.b, &len);
    return s;
}

static void slot_save(char list, struct text of, uint32_t at, const struct slot *s) {
    struct long_key k = slot_key(list, at, of);
    store_put(key_text(&k), (struct text){(const char *)s->b, sizeof s->b});
}

static uint32_t slot_count(const struct slot *first) {
    uint32_t n;
    memcpy(&n, first->b + HASH_SIZE, 4);
    return n;
}

uint32_t secret_list_count(char list, struct text of) {
    struct slot first = slot_load(list, of, 0);
    return slot_count(&first);
}

struct hash secret_list_at(char list, struct text of, uint32_t slot) {
    struct slot s = slot_load(list, of, slot);
    struct hash h;
    memcpy(h.b, s.b, HASH_SIZE);
    return h;
}

static uint32_t list_add(char list, struct text of, const struct hash *row) {
    struct slot first = slot_load(list, of, 0), own = {0};
    uint32_t n = slot_count(&first), more = n + 1;
    memcpy(first.b + HASH_SIZE, &more, 4);
    memcpy(n ? own.b : first.b, row->b, HASH_SIZE);
    slot_save(list, of, 0, &first);
    if (n)
        slot_save(list, of, n, &own);
    return n;
}

static struct text load_bytes(const struct hash *row);

// The moved row's slots stand at fixed places of its record.
static void move_row(const struct hash *row, size_t offset, uint32_t slot) {
    struct long_key k = hash_key('s', row);
    struct text bytes = load_bytes(row);
    memcpy((char *)bytes.ptr + offset, &slot, 4);
    store_put(key_text(&k), bytes);
}

static void list_remove(char list, struct text of, uint32_t slot, size_t offset) {
    struct slot first = slot_load(list, of, 0);
    uint32_t last = slot_count(&first) - 1;
    struct long_key k = slot_key(list, last, of);
    if (slot != last) {
        struct hash moved = secret_list_at(list, of, last);
        struct slot s = {0};
        memcpy(slot ? s.b : first.b, moved.b, HASH_SIZE);
        if (slot)
            slot_save(list, of, slot, &s);
        move_row(&moved, offset, slot);
    }
    store_remove(key_text(&k));
    memcpy(first.b + HASH_SIZE, &last, 4);
    if (last)
        slot_save(list, of, 0, &first);
}

// --- rows with a branch

static struct long_key branch_key(const struct secret_name *n) {
    struct secret_name any = *n;
    any.branch = (struct text){0};
    struct hash h = hash_of(&any);
    return hash_key('b', &h);
}

uint32_t secret_branch_rows(const struct secret_name *n) {
    uint32_t count = 0;
    size_t len;
    struct long_key k = branch_key(n);
    store_get(key_text(&k), &count, sizeof count, &len);
    return count;
}

static void branch_rows_save(const struct secret_name *n, uint32_t count) {
    struct long_key k = branch_key(n);
    if (count)
        store_put(key_text(&k), (struct text){(const char *)&count, sizeof count});
    else
        store_remove(key_text(&k));
}

// --- rows

#define OWNER_SLOT_AT 1 // behind the version
#define REPO_SLOT_AT 5

static struct text load_bytes(const struct hash *row) {
    static uint8_t bytes[ROW_MAX];
    size_t len = 0;
    struct long_key k = hash_key('s', row);
    return store_get(key_text(&k), bytes, sizeof bytes, &len) ? (struct text){(const char *)bytes, len}
                                                              : (struct text){0};
}

bool secret_load_by_hash(const struct hash *h, struct secret_row *row) {
    struct text bytes = load_bytes(h);
    if (!bytes.ptr)
        return false;
    struct rec_in r = {(const uint8_t *)bytes.ptr, (const uint8_t *)bytes.ptr + bytes.len};
    *row = (struct secret_row){.hash = *h};
    rec_take_version(&r, VERSION);
    rec_take_shape(&r, &row_shape, row);
    return true;
}

bool secret_load(const struct secret_name *n, struct secret_row *row) {
    struct hash h = hash_of(n);
    return secret_load_by_hash(&h, row);
}

struct text secret_ciphertext(const struct secret_row *row) {
    static char bytes[BLOB_MAX];
    size_t len = 0;
    struct long_key k = hash_key('x', &row->hash);
    store_get(key_text(&k), bytes, sizeof bytes, &len);
    return (struct text){bytes, len};
}

static size_t row_encode(const struct secret_row *row, uint8_t *bytes, size_t cap) {
    struct rec_out r = {bytes, 0, cap};
    rec_put_u8(&r, VERSION);
    rec_put_shape(&r, &row_shape, row);
    return r.len;
}

static void row_save(const struct secret_row *row) {
    static uint8_t bytes[ROW_MAX];
    struct long_key k = hash_key('s', &row->hash);
    size_t len = row_encode(row, bytes, sizeof bytes);
    store_put(key_text(&k), (struct text){(const char *)bytes, len});
}

// What a row's records take: the row, its ciphertext, its two slots.
static struct yocto row_stake(const struct secret_row *row, size_t ciphertext) {
    static uint8_t bytes[ROW_MAX];
    size_t keys = 2 * (1 + HASH_SIZE) + 2 * (1 + 4) + row->name.owner.len + row->name.repo.len;
    size_t all = 4 * RECORD_BYTES + keys + row_encode(row, bytes, sizeof bytes) + ciphertext + 2 * SLOT_SIZE;
    return stake_of(all);
}

// --- storing

// The name in the arguments; owner length 0: the caller's.
static struct secret_name name_of(const struct args *in, const struct account *owner) {
    struct secret_name n = {*owner, in->repo, in->branch, in->profile};
    secret_name_check(&n);
    return n;
}

static struct secret_name name_of_caller(const struct args *in) {
    struct account owner = caller();
    return name_of(in, &owner);
}

static struct secret_name name_in_view(const struct args *in) { return name_of(in, &in->account_id); }

static struct text ciphertext_read(struct text base64) {
    require(base64.len > 0, "Encrypted secrets cannot be empty");
    require(base64.len <= (BLOB_MAX + 2) / 3 * 4, "Encrypted secrets are longer than 98304 bytes");
    struct text bytes = {0};
    require(base64_decode((char *)base64.ptr, base64.len, &bytes),
            "encrypted_secrets_base64 is not base64 with padding");
    return bytes;
}

// The formula is what the node counts; where they differed somebody would pay for another's bytes.
static void check_usage(uint64_t before, struct yocto had, struct yocto need) {
    uint64_t after = store_usage();
    require(stake_of(after).v + had.v == stake_of(before).v + need.v, "Storage was not counted as expected");
}

struct change { // one row's way from what it was to what it becomes
    struct secret_row row;
    bool known;
    uint32_t branches; // rows with a branch there were; looked up for a new one with a branch
    struct yocto had, need;
};

static void change_row(struct change *c, const struct secret_name *name, struct text access, size_t ciphertext) {
    bool makes_counter = !c->known && name->branch.ptr && c->branches == 0;
    c->had = c->row.deposit;
    c->row.name = *name;
    c->row.access = access;
    c->row.updated_at = now_ns();
    c->row.deposit = row_stake(&c->row, ciphertext);
    c->need = yocto_add(c->row.deposit, stake_of(makes_counter ? COUNTER_BYTES : 0));
}

static struct change change_of(const struct secret_name *name, const struct args *in, struct text *ciphertext) {
    struct change c = {0};
    *ciphertext = ciphertext_read(in->encrypted_secrets_base64);
    c.known = secret_load(name, &c.row);
    if (!c.known) {
        name_check_new(name);
        c.row = (struct secret_row){.hash = hash_of(name), .created_at = now_ns()};
        if (name->branch.ptr)
            c.branches = secret_branch_rows(name);
    }
    change_row(&c, name, access_read(in->access.text), ciphertext->len);
    return c;
}

// Takes the money that the change needs from what is there and attached, and sends the rest back.
static void settle_stake(const struct change *c) {
    struct yocto attached = deposit_attached(), funds = yocto_add(attached, c->had);
    if (yocto_less(funds, c->need))
        stop_filled(c->known ? "Insufficient deposit for update. Required: % yoctoNEAR, attached: % yoctoNEAR"
                             : "Insufficient storage deposit. Required: % yoctoNEAR, attached: % yoctoNEAR",
                    (struct yocto[]){yocto_sub(c->need, c->had), attached});
    struct yocto rest = yocto_sub(funds, c->need);
    if (rest.v)
        promise_transfer(&c->row.name.owner, rest);
}

static void change_end(const struct change *c, uint64_t before, const char *event) {
    check_usage(before, c->had, c->need);
    log_secrets(event, &c->row);
}

static void change_save(struct change *c, struct text ciphertext) {
    const struct secret_name *n = &c->row.name;
    struct long_key k = hash_key('x', &c->row.hash);
    if (!c->known) {
        c->row.owner_slot = list_add(OWNER_LIST, account_text(&n->owner), &c->row.hash);
        c->row.repo_slot = list_add(REPO_LIST, n->repo, &c->row.hash);
        if (n->branch.ptr)
            branch_rows_save(n, c->branches + 1);
    }
    store_put(key_text(&k), ciphertext);
    row_save(&c->row);
}

ENTRY(store_secrets) {
    struct secret_name name = name_of_caller(in);
    struct text ciphertext;
    uint64_t before = store_usage();
    struct change c = change_of(&name, in, &ciphertext);
    settle_stake(&c);
    change_save(&c, ciphertext);
    change_end(&c, before, c.known ? "secrets_updated" : "secrets_stored");
}

ENTRY(delete_secrets) {
    struct secret_name name = name_of_caller(in);
    struct secret_row row;
    require(secret_load(&name, &row), "Secrets not found");
    uint64_t before = store_usage();
    row.updated_at = now_ns();
    struct long_key s = hash_key('s', &row.hash), x = hash_key('x', &row.hash);
    list_remove(OWNER_LIST, account_text(&name.owner), row.owner_slot, OWNER_SLOT_AT);
    list_remove(REPO_LIST, name.repo, row.repo_slot, REPO_SLOT_AT);
    store_remove(key_text(&s));
    store_remove(key_text(&x));
    if (name.branch.ptr) {
        uint32_t left = secret_branch_rows(&name) - 1;
        branch_rows_save(&name, left);
        row.deposit = yocto_add(row.deposit, stake_of(left ? 0 : COUNTER_BYTES));
    }
    check_usage(before, row.deposit, YOCTO(0));
    promise_transfer(&name.owner, row.deposit);
    row.name = name; // its texts stood where other rows were read meanwhile
    log_secrets("secrets_deleted", &row);
}

ENTRY(update_access) {
    struct secret_name name = name_of_caller(in);
    struct change c = {0};
    uint64_t before = store_usage();
    require(secret_load(&name, &c.row), "Secrets not found");
    c.known = true;
    change_row(&c, &name, access_read(in->access.text), secret_ciphertext(&c.row).len);
    settle_stake(&c);
    row_save(&c.row);
    change_end(&c, before, "secrets_access_updated");
}

// --- views

ENTRY(estimate_storage_cost) {
    struct secret_name name = name_in_view(in);
    struct text ciphertext;
    struct change c = change_of(&name, in, &ciphertext);
    put_amount(reply(), c.need);
    reply_end();
}

#define R(kind, name, member) JSON_MEMBER(kind, name, struct secret_row, member)
static const struct json_member stored_members[] = {
    R(U64, "created_at", created_at),
    R(U64, "updated_at", updated_at),
    R(AMOUNT, "storage_deposit", deposit),
    R(TEXT, "branch", name.branch),
};
static const struct json_member user_members[] = {
    R(TEXT, "repo", name.repo),       R(TEXT, "branch", name.branch),   R(TEXT, "profile", name.profile),
    R(U64, "created_at", created_at), R(U64, "updated_at", updated_at), R(AMOUNT, "storage_deposit", deposit),
};
static const struct json_member profile_members[] = {
    R(TEXT, "profile", name.profile),
    R(ACCOUNT, "owner", name.owner),
    R(TEXT, "branch", name.branch),
};

static void put_access(struct out *o, const struct secret_row *row) {
    put_key(o, "access");
    put_value(o, row->access);
}

ENTRY(get_secrets) {
    struct secret_name name = name_in_view(in);
    struct secret_row row;
    bool found = secret_load(&name, &row);
    if (!found && name.branch.ptr) {
        name.branch = (struct text){0};
        found = secret_load(&name, &row);
    }
    if (!found) {
        answer_text(TEXT("null"));
        return;
    }
    struct out *o = reply_open('{');
    put_key(o, "encrypted_secrets");
    put_base64(o, secret_ciphertext(&row));
    put_access(o, &row);
    PUT_ALL(o, stored_members, &row);
    reply_close('}');
}

ENTRY(secrets_exist) {
    struct secret_name name = name_in_view(in);
    struct hash h = hash_of(&name);
    struct long_key k = hash_key('s', &h);
    answer_bool(store_has(key_text(&k)));
}

ENTRY(count_secret_branches) {
    struct secret_name name = name_in_view(in);
    answer_number(secret_branch_rows(&name));
}

// The page of a list that the arguments ask for; branch given: only its rows.
static void answer_rows(const struct args *in, char list, struct text of) {
    struct out *o = reply_open('[');
    uint64_t count = secret_list_count(list, of), limit = in->limit.given ? in->limit.value : count;
    for (uint64_t i = in->from_index.value; i < count && limit; i++, limit--) {
        struct secret_row row;
        struct hash h = secret_list_at(list, of, (uint32_t)i);
        if (!secret_load_by_hash(&h, &row) || (in->branch.ptr && !text_eq(in->branch, row.name.branch)))
            continue;
        put_open(o, '{');
        if (list == OWNER_LIST) {
            PUT_ALL(o, user_members, &row);
            put_access(o, &row);
        } else {
            PUT_ALL(o, profile_members, &row);
        }
        put_close(o, '}');
    }
    reply_close(']');
}

ENTRY(list_user_secrets) { answer_rows(in, OWNER_LIST, account_text(&in->account_id)); }

ENTRY(list_profiles) {
    repo_check(in->repo);
    answer_rows(in, REPO_LIST, in->repo);
}
