import { execute, type Migration } from '../../../platform/db/index.ts';

/**
 * What searching needs: the values of metrics in order within each experiment, and the keys that the runs of an
 * experiment have. Both are kept by triggers, whoever writes.
 */
export const searchMigrations: readonly Migration[] = [
  {
    id: 'experiments-020',
    up: (tx, dialect) => {
      const bytes = dialect === 'postgres' ? 'TEXT COLLATE "C"' : 'TEXT';
      const clustered = dialect === 'sqlite' ? 'WITHOUT ROWID' : '';
      const experiment = '(SELECT experiment_id FROM runs WHERE seq = metric_series.run_seq)';
      const keys = (kind: string, table: string): string =>
        `INSERT INTO run_columns (experiment_id, kind, key)
          SELECT DISTINCT r.experiment_id, '${kind}', t.key FROM ${table} t JOIN runs r ON r.seq = t.run_seq`;
      return execute(
        tx,
        `ALTER TABLE metric_series ADD COLUMN experiment_id BIGINT;
        UPDATE metric_series SET experiment_id = ${experiment};
        DROP INDEX metric_series_by_key;
        CREATE INDEX metric_series_by_value ON metric_series
          (experiment_id, key, last_is_nan, last_value, run_seq) WHERE count > 0;
        CREATE TABLE run_columns (
          experiment_id BIGINT NOT NULL, kind ${bytes} NOT NULL, key ${bytes} NOT NULL,
          PRIMARY KEY (experiment_id, kind, key)
        ) ${clustered};
        ${keys('metric', 'metric_series')};
        ${keys('param', 'run_params')};
        ${keys('tag', 'run_tags')};
        ${dialect === 'sqlite' ? sqliteTriggers : postgresTriggers}`,
      );
    },
  },
];

// One line each: a semicolon at a line's end ends a statement (platform/db).
const addKey = (kind: string): string =>
  `INSERT INTO run_columns (experiment_id, kind, key) SELECT r.experiment_id, '${kind}', NEW.key FROM runs r WHERE r.seq = NEW.run_seq AND NOT EXISTS (SELECT 1 FROM run_columns c WHERE c.experiment_id = r.experiment_id AND c.kind = '${kind}' AND c.key = NEW.key); `;

const sqliteTriggers = `
  CREATE TRIGGER metric_series_experiment AFTER INSERT ON metric_series WHEN NEW.experiment_id IS NULL BEGIN UPDATE metric_series SET experiment_id = (SELECT experiment_id FROM runs WHERE seq = NEW.run_seq) WHERE id = NEW.id; END;
  CREATE TRIGGER metric_series_columns AFTER INSERT ON metric_series BEGIN ${addKey('metric')} END;
  CREATE TRIGGER run_params_columns AFTER INSERT ON run_params BEGIN ${addKey('param')} END;
  CREATE TRIGGER run_tags_columns AFTER INSERT ON run_tags BEGIN ${addKey('tag')} END;
  CREATE TRIGGER experiments_columns AFTER DELETE ON experiments BEGIN DELETE FROM run_columns WHERE experiment_id = OLD.id; END`;

const columnsTrigger = (kind: string, table: string): string =>
  `CREATE TRIGGER ${table}_columns AFTER INSERT ON ${table} REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION millrace_run_columns('${kind}');`;

// In the order of the keys, so that two writers never wait for each other.
const postgresTriggers = `
  CREATE FUNCTION millrace_series_experiment() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.experiment_id IS NULL THEN SELECT experiment_id INTO NEW.experiment_id FROM runs WHERE seq = NEW.run_seq; END IF; RETURN NEW; END $$;
  CREATE FUNCTION millrace_run_columns() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO run_columns (experiment_id, kind, key) SELECT DISTINCT r.experiment_id, TG_ARGV[0], a.key FROM added a JOIN runs r ON r.seq = a.run_seq WHERE NOT EXISTS (SELECT 1 FROM run_columns c WHERE c.experiment_id = r.experiment_id AND c.kind = TG_ARGV[0] AND c.key = a.key) ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING; RETURN NULL; END $$;
  CREATE FUNCTION millrace_experiment_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM run_columns WHERE experiment_id = OLD.id; RETURN NULL; END $$;
  CREATE TRIGGER metric_series_experiment BEFORE INSERT ON metric_series FOR EACH ROW EXECUTE FUNCTION millrace_series_experiment();
  ${columnsTrigger('metric', 'metric_series')}
  ${columnsTrigger('param', 'run_params')}
  ${columnsTrigger('tag', 'run_tags')}
  CREATE TRIGGER experiments_columns AFTER DELETE ON experiments FOR EACH ROW EXECUTE FUNCTION millrace_experiment_gone()`;
