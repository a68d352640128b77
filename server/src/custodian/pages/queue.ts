import { routes, type SubmissionSummary } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import type { CustodianContext } from '../context.js';
import { findSession } from '../sign-in/sessions.js';
import { sessionCookie } from './guard.js';
import { dateText, html, type Html } from './html.js';
import { sendPage, seeOther } from './layout.js';

function submissionRow({ id, party, revision }: SubmissionSummary): Html {
  return html`<tr>
    <td><a href="/approve/${id}">${revision.notebook}</a></td>
    <td>${party}</td>
    <td>${revision.assets.join(', ')}</td>
    <td>${revision.purpose}</td>
    <td>${revision.submittedAt.slice(0, 16).replace('T', ' ')} UTC</td>
  </tr>`;
}

async function queueView(context: CustodianContext): Promise<Html> {
  const { items } = await context.coordinator.call(routes.listSubmissions, {
    query: { waitingFor: 'my-decision' }
  });
  const assets = await context.registry.list();
  return html`<h1>Waiting for you</h1>
    ${
      items.length === 0
        ? html`<p>No submissions are waiting for your decision.</p>`
        : html`<table>
            <tr>
              <th>Notebook</th>
              <th>From</th>
              <th>Data</th>
              <th>Purpose</th>
              <th>Submitted</th>
            </tr>
            ${items.map(submissionRow)}
          </table>`
    }
    <h2>Your datasets</h2>
    ${
      assets.length === 0
        ? html`<p>You have no datasets yet. A steward adds one with <code>clean-room provision</code>.</p>`
        : html`<table>
            <tr>
              <th>Dataset</th>
              <th>Columns</th>
              <th>Sealed for</th>
              <th>Stand-in</th>
              <th>Policy valid until</th>
            </tr>
            ${assets.map(
              ({ version: { value }, policy }) =>
                html`<tr>
                  <td>${value.name} v${value.version}</td>
                  <td>${value.table.columns.length}</td>
                  <td>
                    ${value.sealedFor === 'simulation' ? html`<span class="mark">SIMULATION</span>` : 'hardware'}
                  </td>
                  <td>${value.standIn.kind}, ${value.standIn.rows} rows</td>
                  <td>${dateText(policy.value.validUntil)}</td>
                </tr>`
            )}
          </table>`
    }`;
}

/** Adds the first page: the submissions that wait for a decision, and the provider's datasets. */
export function addQueuePage(app: App, context: CustodianContext): void {
  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    const session = await findSession(context, sessionCookie(request));
    if (session === undefined) return seeOther(reply, '/sign-in');
    return sendPage(context, reply, { title: 'Waiting for you', body: await queueView(context), session });
  });
}
