import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { readProblem } from './problem.js';
import type { SubmissionRequestOptions, OpenedRun, SubmissionPreview, TrustRoots } from './types.js';

/**
 * The clean room's part of the Jupyter server, below `base_url/clean-room/`. What needs the person's own keys happens
 * there, in the bundled `clean-room` command.
 * @throws Problem for every answer but success
 */
export class Host {
  constructor(private readonly serverSettings: ServerConnection.ISettings) {}

  /** Where the relay stands for the coordinator. */
  get relay(): string {
    return URLExt.join(this.serverSettings.baseUrl, 'clean-room/api');
  }

  /** `fetch` with JupyterLab's own credentials and XSRF header, which JupyterHub asks for on every call. */
  readonly fetch: typeof fetch = (input, init) =>
    ServerConnection.makeRequest(
      String(input),
      // JupyterLab's own default would add a number to every address.
      { ...init, cache: 'no-cache' },
      this.serverSettings
    );

  /** What a submission would be. Nothing leaves the Jupyter host. */
  preview(asked: SubmissionRequestOptions): Promise<SubmissionPreview> {
    return this.command('submit', { ...asked, dryRun: true });
  }

  /** Signs and submits, if it is still the program with this image digest. */
  submit(asked: SubmissionRequestOptions, image: string): Promise<{ readonly id: string }> {
    return this.command('submit', { ...asked, expect: image });
  }

  /** Opens a run's outputs with the person's key; into `folder` of the workspace if one is given. */
  open(run: string, party: string, folder?: string): Promise<OpenedRun> {
    return this.command('results', { run, party, ...(folder === undefined ? {} : { to: folder }) });
  }

  /** Fetches signed stand-ins into the local cache that kernels read. */
  fetchStandIns(datasets: readonly string[], party: string): Promise<unknown> {
    return this.command('stand-ins', { datasets, party });
  }

  /** Whom the person believes; undefined where they have not said. */
  async trust(): Promise<TrustRoots | undefined> {
    try {
      return (await this.call('trust').then(response => response.json())) as TrustRoots;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'not-found') return undefined;
      throw error;
    }
  }

  private async command<T>(verb: 'submit' | 'results' | 'stand-ins', body: unknown): Promise<T> {
    const response = await this.call(`command/${verb}`, { method: 'POST', body: JSON.stringify(body) });
    const { output } = (await response.json()) as { output: T };
    return output;
  }

  private async call(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.fetch(URLExt.join(this.serverSettings.baseUrl, 'clean-room', path), init);
    if (!response.ok) throw await readProblem(response);
    return response;
  }
}
