CREATE TABLE leases (
    name VARCHAR(120) NOT NULL,
    holder VARCHAR(80) NOT NULL,
    token INTEGER NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE libraries (
    id SERIAL NOT NULL,
    name VARCHAR(63) NOT NULL,
    settings JSON NOT NULL,
    revision INTEGER NOT NULL,
    next_experience INTEGER NOT NULL,
    served INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    turn_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);
CREATE TABLE model_calls (
    request_hash VARCHAR(64) NOT NULL,
    step VARCHAR(40) NOT NULL,
    prompt_hash VARCHAR(64) NOT NULL,
    model TEXT NOT NULL,
    response TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (request_hash)
);
CREATE INDEX ix_model_calls_created ON model_calls (created_at);
CREATE TABLE token_reservations (
    id VARCHAR(40) NOT NULL,
    tokens INTEGER NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE tokens (
    id VARCHAR(40) NOT NULL,
    name TEXT NOT NULL,
    scope VARCHAR(10) NOT NULL,
    libraries JSON,
    secret_hash VARCHAR(64) NOT NULL,
    key TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION,
    revoked_at DOUBLE PRECISION,
    last_used_at DOUBLE PRECISION,
    PRIMARY KEY (id),
    UNIQUE (secret_hash)
);
CREATE TABLE analysis_batches (
    id VARCHAR(40) NOT NULL,
    library_id INTEGER NOT NULL,
    groups JSON NOT NULL,
    experiences JSON NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (library_id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE analysis_steps (
    id VARCHAR(40) NOT NULL,
    library_id INTEGER NOT NULL,
    step VARCHAR(40) NOT NULL,
    form VARCHAR(40) NOT NULL,
    request_hash VARCHAR(64) NOT NULL,
    prompt_hash VARCHAR(64) NOT NULL,
    messages JSON NOT NULL,
    schema JSON NOT NULL,
    holder TEXT NOT NULL,
    leased_until DOUBLE PRECISION NOT NULL,
    answered_by TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (id, library_id),
    UNIQUE (library_id, request_hash),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE evidence (
    library_id INTEGER NOT NULL,
    kind VARCHAR(12) NOT NULL,
    subject VARCHAR(40) NOT NULL,
    version INTEGER NOT NULL,
    s DOUBLE PRECISION NOT NULL,
    w DOUBLE PRECISION NOT NULL,
    v DOUBLE PRECISION NOT NULL,
    n BIGINT NOT NULL,
    served BIGINT NOT NULL,
    rewarded BIGINT NOT NULL,
    missing_s DOUBLE PRECISION NOT NULL,
    missing_w DOUBLE PRECISION NOT NULL,
    missing_v DOUBLE PRECISION NOT NULL,
    missing_n BIGINT NOT NULL,
    continues INTEGER,
    PRIMARY KEY (library_id, kind, subject, version),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE evidence_totals (
    library_id INTEGER NOT NULL,
    retrievals BIGINT NOT NULL,
    rewards BIGINT NOT NULL,
    reward_total DOUBLE PRECISION NOT NULL,
    tick BIGINT NOT NULL,
    judged BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    PRIMARY KEY (library_id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE experience_terms (
    library_id INTEGER NOT NULL,
    experience_id VARCHAR(20) NOT NULL,
    version INTEGER NOT NULL,
    terms TEXT NOT NULL,
    document TSVECTOR GENERATED ALWAYS AS (array_to_tsvector(string_to_array(library_id::text || ':' || replace(terms, ' ', ' ' || library_id::text || ':'), ' '))) STORED NOT NULL,
    size INTEGER GENERATED ALWAYS AS (cardinality(string_to_array(terms, ' '))) STORED NOT NULL,
    PRIMARY KEY (library_id, experience_id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE INDEX ix_experience_terms ON experience_terms USING gin (document) WITH (fastupdate = off);
CREATE TABLE experiences (
    library_id INTEGER NOT NULL,
    id VARCHAR(20) NOT NULL,
    content TEXT NOT NULL,
    content_hash VARCHAR(32) NOT NULL,
    status VARCHAR(10) NOT NULL,
    version INTEGER NOT NULL,
    analyst VARCHAR(20) NOT NULL,
    model TEXT,
    support JSON NOT NULL,
    pinned BOOLEAN NOT NULL,
    created_revision INTEGER NOT NULL,
    updated_revision INTEGER NOT NULL,
    PRIMARY KEY (library_id, id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE INDEX ix_experiences_content ON experiences (library_id, content_hash);
CREATE INDEX ix_experiences_updated ON experiences (library_id, updated_revision);
CREATE TABLE groups (
    id VARCHAR(40) NOT NULL,
    library_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    task TEXT NOT NULL,
    state VARCHAR(10) NOT NULL,
    reason TEXT NOT NULL,
    size INTEGER NOT NULL,
    graded INTEGER NOT NULL,
    reward_total DOUBLE PRECISION NOT NULL,
    graded_version INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    not_before DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (id, library_id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE INDEX ix_groups_claim ON groups (library_id, state, not_before);
CREATE TABLE operations (
    library_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER,
    operation JSON NOT NULL,
    before JSON NOT NULL,
    after JSON NOT NULL,
    refusal TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (library_id, number),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE INDEX ix_operations_revision ON operations (library_id, revision);
CREATE TABLE proposals (
    library_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    operation JSON NOT NULL,
    before JSON NOT NULL,
    analyst VARCHAR(20) NOT NULL,
    model TEXT,
    state VARCHAR(10) NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    decided_by TEXT,
    reason TEXT NOT NULL,
    revision INTEGER,
    decided_at DOUBLE PRECISION,
    PRIMARY KEY (library_id, number),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE INDEX ix_proposals_state ON proposals (library_id, state);
CREATE TABLE retrievals (
    library_id INTEGER NOT NULL,
    number BIGINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    task TEXT NOT NULL,
    revision INTEGER NOT NULL,
    servings JSON NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    holdout DOUBLE PRECISION NOT NULL,
    held_out BOOLEAN NOT NULL,
    arms JSON NOT NULL,
    baseline DOUBLE PRECISION NOT NULL,
    reporting DOUBLE PRECISION NOT NULL,
    reward DOUBLE PRECISION,
    submitter VARCHAR(200),
    tick BIGINT,
    PRIMARY KEY (library_id, id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE INDEX ix_retrievals_tick ON retrievals (library_id, tick) WHERE tick IS NOT NULL;
CREATE UNIQUE INDEX ix_retrievals_number ON retrievals (library_id, number);
CREATE TABLE revisions (
    library_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    cause TEXT NOT NULL,
    author TEXT NOT NULL,
    groups JSON NOT NULL,
    calls INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (library_id, number),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE submitter_evidence (
    library_id INTEGER NOT NULL,
    kind VARCHAR(12) NOT NULL,
    subject VARCHAR(40) NOT NULL,
    version INTEGER NOT NULL,
    submitter VARCHAR(200) NOT NULL,
    s DOUBLE PRECISION NOT NULL,
    w DOUBLE PRECISION NOT NULL,
    v DOUBLE PRECISION NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (library_id, kind, subject, version, submitter),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE trials (
    library_id INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    state VARCHAR(12) NOT NULL,
    replaces JSON NOT NULL,
    adds JSON NOT NULL,
    against INTEGER NOT NULL,
    reason TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    PRIMARY KEY (library_id, revision),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE INDEX ix_trials_state ON trials (library_id, state);
CREATE TABLE votes (
    library_id INTEGER NOT NULL,
    experience_id VARCHAR(20) NOT NULL,
    version INTEGER NOT NULL,
    voter VARCHAR(200) NOT NULL,
    up BOOLEAN NOT NULL,
    reason TEXT,
    content TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (library_id, experience_id, version, voter),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE experience_vectors (
    library_id INTEGER NOT NULL,
    experience_id VARCHAR(20) NOT NULL,
    embedder VARCHAR(100) NOT NULL,
    version INTEGER NOT NULL,
    vector halfvec NOT NULL,
    PRIMARY KEY (library_id, experience_id, embedder),
    FOREIGN KEY(library_id, experience_id) REFERENCES experiences (library_id, id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE learned_groups (
    library_id INTEGER NOT NULL,
    group_id VARCHAR(40) NOT NULL,
    graded_version INTEGER NOT NULL,
    revision INTEGER,
    learned_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (library_id, group_id, graded_version),
    FOREIGN KEY(library_id, group_id) REFERENCES groups (library_id, id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE trajectories (
    id VARCHAR(40) NOT NULL,
    library_id INTEGER NOT NULL,
    group_id VARCHAR(40) NOT NULL,
    submission_key VARCHAR(80) NOT NULL,
    content_hash VARCHAR(64) NOT NULL,
    task TEXT NOT NULL,
    reward DOUBLE PRECISION,
    answer TEXT,
    ground_truth TEXT,
    feedback TEXT,
    retrieval_id VARCHAR(40),
    agent TEXT,
    model TEXT,
    redactions INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    graded_at DOUBLE PRECISION,
    pruned_at DOUBLE PRECISION,
    submitter VARCHAR(200),
    graded_by VARCHAR(200),
    signed_by VARCHAR(40),
    signed_at BIGINT,
    PRIMARY KEY (id, library_id),
    UNIQUE (library_id, submission_key),
    FOREIGN KEY(library_id, group_id) REFERENCES groups (library_id, id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE INDEX ix_trajectories_group ON trajectories (library_id, group_id);
CREATE INDEX ix_trajectories_retrieval ON trajectories (library_id, retrieval_id);
CREATE TABLE citations (
    library_id INTEGER NOT NULL,
    experience_id VARCHAR(20) NOT NULL,
    trajectory_id VARCHAR(40) NOT NULL,
    stance VARCHAR(10) NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (library_id, experience_id, trajectory_id),
    FOREIGN KEY(library_id, trajectory_id) REFERENCES trajectories (library_id, id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE trajectory_bodies (
    trajectory_id VARCHAR(40) NOT NULL,
    library_id INTEGER NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (trajectory_id, library_id),
    FOREIGN KEY(library_id, trajectory_id) REFERENCES trajectories (library_id, id),
    FOREIGN KEY(library_id) REFERENCES libraries (id)
);
