import { type DatabaseConnection, type Driver, PostgresDialect } from 'kysely';

/** Kysely's dialect for Postgres with the errors of its connections put into other words. */
export class TellingDialect extends PostgresDialect {
  readonly #told: (error: unknown) => unknown;

  /** @param told what is thrown in place of an error: itself, or one that says more */
  constructor(config: ConstructorParameters<typeof PostgresDialect>[0], told: (error: unknown) => unknown) {
    super(config);
    this.#told = told;
  }

  override createDriver(): Driver {
    const driver = super.createDriver();
    const told = this.#told;
    const telling = new WeakSet<DatabaseConnection>();
    const acquire = driver.acquireConnection.bind(driver);
    driver.acquireConnection = async (options) => {
      const connection = await acquire(options).catch((error: unknown) => {
        throw told(error);
      });
      if (!telling.has(connection)) {
        telling.add(connection);
        const execute = connection.executeQuery.bind(connection);
        connection.executeQuery = (query, queryOptions) =>
          execute<never>(query, queryOptions).catch((error: unknown) => {
            throw told(error);
          });
      }
      return connection;
    };
    return driver;
  }
}
