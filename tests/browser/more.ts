// What an app does with the answers of documents: each use fails to type-check where a field, a union's member or a scalar is not what it is taken for.

import type {
  ClassOfPupilQuery,
  EnrollMutation,
  GradesOfPupilQuery,
  InvoicesQuery,
  InvoicesQueryVariables,
  MeQuery,
  NotificationsQuery,
  RecordAttendanceMutation,
  RecordAttendanceMutationVariables,
  RecordPaymentMutation,
  RecordPaymentMutationVariables,
  WeekOfClassQuery,
} from './generated/graphql';

export const nameOf = ({ me }: MeQuery): string =>
  me?.email?.toLowerCase() ??
  me?.phone?.slice(-4) ??
  me?.name ??
  '';

export const homeroomOf = ({ student }: ClassOfPupilQuery): string | undefined =>
  student?.currentClass?.homeroomTeacher?.fullName;

export const hoursOf = ({ weeklySchedule }: WeekOfClassQuery): string[] =>
  weeklySchedule.map(({ startTime, endTime, classSubject }) => `${startTime.slice(0, 5)}–${endTime} ${classSubject.subject.name}`);

export const owed = ({ invoices }: InvoicesQuery): number =>
  invoices.nodes.reduce((sum, { amount, discount, paid }) => sum + amount - discount - paid, 0);

export const nextPage = ({ invoices }: InvoicesQuery): InvoicesQueryVariables | undefined =>
  invoices.pageInfo.hasNextPage ? { after: invoices.pageInfo.endCursor } : undefined;

export const meanOf = ({ student }: GradesOfPupilQuery): number => {
  const scores = (student?.gradeSummary ?? []).flatMap(({ finalScore }) => finalScore ?? []);
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
};

export const daysOfSending = ({ notifications }: NotificationsQuery): string[] =>
  notifications.edges.flatMap(({ node }) => node.sentAt?.slice(0, 10) ?? []);

export const today = (classId: string, studentId: string): RecordAttendanceMutationVariables => ({
  input: { classId, date: '2026-11-23', entries: [{ studentId, status: 'SICK' }] },
});

export const payment = (invoiceId: string): RecordPaymentMutationVariables => ({
  input: { invoiceId, amount: 150_000, method: 'CASH', paidOn: '2026-11-23' },
});

/** Every member of a union is told apart: one that is left out would leave `answer` something here. */
export function told({ recordClassAttendance: answer }: RecordAttendanceMutation): string {
  switch (answer.__typename) {
    case 'RecordClassAttendanceSuccess':
      return `${answer.recorded + answer.updated}`;
    case 'InvalidInput':
      return answer.fields.map(({ path, message }) => `${path}: ${message}`).join();
    case 'NotFound':
    case 'Forbidden':
    case 'NotTeachingThisClass':
    case 'OutsideSemester':
    case 'Holiday':
      return answer.message;
    default:
      return answer satisfies never;
  }
}

export const settled = ({ recordPayment: answer }: RecordPaymentMutation): boolean =>
  answer.__typename === 'RecordPaymentSuccess' && answer.invoice.open === 0 && answer.payment.amount > 0;

export const seatsOf = ({ enrollStudent: answer }: EnrollMutation): number | undefined =>
  answer.__typename === 'ClassFull' ? answer.capacity : undefined;
