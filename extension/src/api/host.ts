import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { problemOf } from './problem.js';

/** Settings of JupyterLab's own connection, and for which party calls are made. */
export interface HostOptions {
  readonly serverSettings: ServerConnection.ISettings;
  /** Name of the party acted for; none before it is known. */
  readonly party: () => string | undefined;
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Calls below `base_url/clean-room/` of the Jupyter server.
 * @throws Problem for every answer but success
 */
export class Host {
  constructor(readonly options: HostOptions) {}

  async call(path: string, options: CallOptions = {}): Promise<Response> {
    const { serverSettings, party } = this.options;
    const acting = party();
    const response = await ServerConnection.makeRequest(
      URLExt.join(serverSettings.baseUrl, 'clean-room') + path,
      {
        method: options.method ?? 'GET',
        // JupyterLab's own default would add a number to every address.
        cache: 'no-cache',
        headers: {
          Accept: 'application/json',
          ...(acting === undefined ? {} : { 'clean-room-party': acting }),
          ...options.headers
        },
        ...(options.json === undefined ? {} : { body: JSON.stringify(options.json) }),
        ...(options.signal === undefined ? {} : { signal: options.signal })
      },
      serverSettings
    );
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  /** Runs one verb of the bundled `clean-room` command on the Jupyter host, with the person's own key. */
  async command<T>(verb: 'submit' | 'results' | 'verify' | 'stand-ins', body: unknown): Promise<T> {
    const response = await this.call(`/command/${verb}`, { method: 'POST', json: body });
    const { output } = (await response.json()) as { output: T };
    return output;
  }
}
