// The attendance of one class as an app shows it, with Apollo Client. The address says where the graph is (`graph`), of which school (`tenant`)
// and class (`class`) it tells, and whether queries go by GET (`get`).

import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { AttendanceRecordedDocument, BalancesDocument, PupilsDocument, SignInDocument } from './generated/graphql';

const address = new URL(location.href).searchParams;
const graph = address.get('graph') ?? '';
const classId = address.get('class') ?? '';
let accessToken: string | undefined;

const headers = (): Record<string, string> => ({
  'x-tenant-id': address.get('tenant') ?? '',
  ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
});

const byHash = new PersistedQueryLink({
  useGETForHashedQueries: address.has('get'),
  sha256: async (text) => {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  },
});

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(createClient({ url: graph.replace('http', 'ws'), connectionParams: headers, retryAttempts: 0 })),
    ApolloLink.from([
      new SetContextLink((context) => ({ ...context, headers: headers() })),
      byHash,
      new HttpLink({ uri: graph, fetch: told }),
    ]),
  ),
});

/** Fetches, and shows the headers of an answer that a page of another origin may read. */
async function told(...asked: Parameters<typeof fetch>): Promise<Response> {
  const answer = await fetch(...asked);
  show('[role=status]', [...answer.headers.keys()].join(' '));
  return answer;
}

function element<Kind extends HTMLElement>(selector: string): Kind {
  const found = document.querySelector<Kind>(selector);
  if (found === null) throw new Error(`no ${selector}`);
  return found;
}

function show(selector: string, text: string): void {
  element(selector).textContent = text;
}

function list(selector: string, items: string[]): void {
  element(selector).replaceChildren(...items.map((text) => Object.assign(document.createElement('li'), { textContent: text })));
}

/** What went wrong: the codes of errors, each with its path, or that there was no answer at all. */
function complain(error: unknown): void {
  if (!CombinedGraphQLErrors.is(error)) return show('[role=alert]', String(error));
  show('[role=alert]', error.errors.map(({ path, extensions }) => `${extensions?.code} ${path?.join('.') ?? ''}`.trim()).join(', '));
}

async function signIn(form: FormData): Promise<void> {
  show('[role=alert]', '');
  const input = { email: String(form.get('email')), password: String(form.get('password')) };
  const { data } = await client.mutate({ mutation: SignInDocument, variables: { input } });
  const answer = data?.login;
  if (answer?.__typename === 'LoginSuccess') {
    accessToken = answer.accessToken;
    show('[role=alert]', `Selamat datang, ${answer.user.name}`);
  } else if (answer) {
    show('[role=alert]', `${answer.__typename}: ${answer.message}`);
  }
}

async function read(): Promise<void> {
  const { data } = await client.query({ query: PupilsDocument, variables: { class: classId }, fetchPolicy: 'network-only' });
  list('#pupils', (data?.class?.students.nodes ?? []).map(({ nis, fullName }) => `${nis} ${fullName}`));
}

async function readBalances(): Promise<void> {
  const { data, error } = await client.query({ query: BalancesDocument, variables: { class: classId }, errorPolicy: 'all' });
  if (error) complain(error);
  const pupils = data?.class?.students.nodes ?? [];
  list('#balances', pupils.map(({ fullName, outstandingBalance }) => `${fullName}: ${outstandingBalance ?? '—'}`));
}

function follow(): void {
  const marks: string[] = [];
  const recorded = client.subscribe({ query: AttendanceRecordedDocument, variables: { class: classId } });
  recorded.subscribe({
    next({ data, error }) {
      if (error) return complain(error);
      if (data?.attendanceRecorded) marks.push(data.attendanceRecorded.status);
      list('#marks', marks);
    },
    error: complain,
  });
}

element<HTMLFormElement>('form').addEventListener('submit', (event) => {
  event.preventDefault();
  signIn(new FormData(element<HTMLFormElement>('form'))).catch(complain);
});
element('#read').addEventListener('click', () => void read().catch(complain));
element('#owed').addEventListener('click', () => void readBalances().catch(complain));
element('#follow').addEventListener('click', follow);
