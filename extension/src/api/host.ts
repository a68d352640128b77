import type { TrustRoots } from '@clean-room/protocol/receipts';
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { ProblemError, readProblem } from './problem.js';
import type { OpenedRun, SubmissionPreview, SubmissionRequestOptions } from './types.js';

/**
 * Client of the clean room's Jupyter Server extension, at `base_url/clean-room/`. Operations that need the person's own
 * keys run there, in the bundled `clean-room` command. Every method rejects with a ProblemError when the server refuses the
 * call, and with JupyterLab's NetworkError when the server cannot be reached.
 */
export class Host {
  constructor(private readonly serverSettings: ServerConnection.ISettings) {}

  /** The address at which the Jupyter server relays calls to the coordinator. */
  get relay(): string {
    return URLExt.join(this.serverSettings.baseUrl, 'clean-room/api');
  }

  /** `fetch` with JupyterLab's own credentials and the XSRF header that JupyterHub requires on every call. */
  readonly fetch: typeof fetch = (input, init) =>
    ServerConnection.makeRequest(
      input instanceof Request ? input.url : input.toString(),
      // Without this, JupyterLab adds a number to every address, to avoid caches.
      { ...init, cache: 'no-cache' },
      this.serverSettings
    );

  /** Builds the submission without sending it, to show what would be submitted. */
  preview(options: SubmissionRequestOptions): Promise<SubmissionPreview> {
    return this.runCommand('submit', { ...options, dryRun: true });
  }

  /** Signs and submits, but only if the program still has this image digest. */
  submit(options: SubmissionRequestOptions, image: string): Promise<{ readonly id: string }> {
    return this.runCommand('submit', { ...options, expect: image });
  }

  /**
   * Opens a run's outputs with the person's key.
   *
   * @param folder - the folder in the workspace to which they are written; without it, they are only returned
   */
  open(run: string, party: string, folder?: string): Promise<OpenedRun> {
    return this.runCommand('results', { run, party, ...(folder === undefined ? {} : { to: folder }) });
  }

  /** Downloads signed stand-ins to the local cache that kernels read. */
  fetchStandIns(datasets: readonly string[], party: string): Promise<unknown> {
    return this.runCommand('stand-ins', { datasets, party });
  }

  /** Returns the trust roots that the person configured, or undefined when there are none. */
  async trust(): Promise<TrustRoots | undefined> {
    try {
      const response = await this.call('trust');
      return (await response.json()) as TrustRoots;
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  private async runCommand<T>(verb: 'submit' | 'results' | 'stand-ins', body: unknown): Promise<T> {
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
