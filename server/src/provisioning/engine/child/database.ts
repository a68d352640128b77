import { DuckDBInstance, type DuckDBConnection, type Json } from '@duckdb/node-api';
import { literal } from '../sql/text.js';

/** DuckDB inside the jail: it can open only the given files, and cannot spill to disk. */
export class Database {
  readonly #connection: DuckDBConnection;

  private constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  static async open(paths: readonly string[], memory: string): Promise<Database> {
    const instance = await DuckDBInstance.create(':memory:', {
      // Written files have the same bytes everywhere only with one thread.
      threads: '1',
      memory_limit: memory,
      temp_directory: '',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      allow_community_extensions: 'false'
    });
    const connection = await instance.connect();
    for (const setting of [
      "SET TimeZone = 'UTC'",
      'SET allow_persistent_secrets = false',
      `SET allowed_paths = [${paths.map(literal).join(', ')}]`,
      'SET enable_external_access = false',
      'SET lock_configuration = true'
    ])
      await connection.run(setting);
    return new Database(connection);
  }

  /** Runs a query, and returns its rows. */
  async rows(sql: string): Promise<Json[][]> {
    return (await this.#connection.runAndReadAll(sql)).getRowsJson();
  }
}
