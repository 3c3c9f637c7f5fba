// @authenticated and @requiresScopes, enforced before anything is sent to a subgraph (which checks them again).

import {
  getDirectiveValues,
  getOperationAST,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isNonNullType,
  isObjectType,
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { Refusal } from './refusals.mjs';

/** By what was admitted: the document as it came, and its refused fields by their node. */
const refusedFields = new WeakMap();
const placeholders = new WeakSet();

/**
 * The gateway's `genericAuth`: directives are dead letters without it. A refused field is taken out of the document,
 * the rest is answered. `useRefusedFields` puts the null and the error into the answer: the gateway's own way
 * writes objects where the parent is null, loses its way in fragments and puts `@` into error paths.
 */
export const directiveRules = {
  mode: 'protect-granular',
  rejectUnauthenticated: false,
  resolveUserFn: (context) => context.admitted?.claims,
  extractScopes: (claims) => claims?.permissions ?? [],
  validateUser({
    user,
    executionArgs,
    field,
    fieldNode,
    fieldAuthArgs,
    typeAuthArgs,
    fieldScopes,
    typeScopes,
    userScopes,
  }) {
    const scopes = [fieldScopes, typeScopes].filter((choices) => choices?.length > 0);
    if (!fieldAuthArgs && !typeAuthArgs && scopes.length === 0) return undefined;
    const holdsScopes = scopes.every((choices) =>
      choices.some((all) => all.every((scope) => userScopes.includes(scope))),
    );
    if (user && holdsScopes) return undefined;
    const { admitted } = executionArgs.contextValue;
    const refusal = new Refusal(user ? 'FORBIDDEN' : 'UNAUTHENTICATED');
    const { schema, document, operationName, variableValues } = executionArgs;
    if (!refusedFields.has(admitted))
      refusedFields.set(admitted, { schema, document, operationName, variableValues, nodes: new Map() });
    refusedFields.get(admitted).nodes.set(fieldNode, { refusal, isNonNull: isNonNullType(field.type) });
    const placeholder = refusal.toFieldError(admitted.language);
    placeholders.add(placeholder);
    return placeholder;
  },
};

/**
 * A plugin that answers refused fields with null and one error each, at the first place where the field stands.
 * A refused field that may not be null takes the whole data with it (protected fields are nullable by convention). A field of
 * which nothing but refused ones is selected was not asked for at all, and is null itself.
 */
export function useRefusedFields() {
  return {
    onExecutionResult({ result, setResult, context }) {
      const { admitted } = context;
      const refused = refusedFields.get(admitted);
      if (!refused || result?.[Symbol.asyncIterator]) return;
      refusedFields.delete(admitted);
      const operation = getOperationAST(refused.document, refused.operationName);
      let data = result?.data ?? {};
      const places = new Map();
      clear(data, operation.selectionSet, [], refused, places);
      const { errors: given = [], ...rest } = result ?? {};
      const errors = given.filter((error) => !placeholders.has(error));
      for (const [node, place] of places) {
        const { refusal, isNonNull } = refused.nodes.get(node);
        errors.push(refusal.toFieldError(admitted.language, place));
        if (isNonNull) data = null;
      }
      setResult({ ...rest, data, ...(errors.length > 0 && { errors }) });
    },
  };
}

/** Writes null for each refused field in `value`, in the document's order, and notes where each stands first. */
function clear(value, selectionSet, path, refused, places, written = new Set()) {
  if (value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) {
    value.forEach((item, index) => clear(item, selectionSet, [...path, index], refused, places));
    return;
  }
  for (const selection of selectionSet.selections) {
    if (!isIncluded(selection, refused.variableValues)) continue;
    if (selection.kind === Kind.FIELD) {
      clearField(value, selection, path, refused, places, written);
      continue;
    }
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? definitionOf(selection, refused.document) : selection;
    if (appliesTo(value, fragment.typeCondition, refused.schema)) {
      clear(value, fragment.selectionSet, path, refused, places, written);
    }
  }
}

function clearField(value, field, path, refused, places, written) {
  const key = field.alias?.value ?? field.name.value;
  if (refused.nodes.has(field)) {
    value[key] = null;
    if (!places.has(field)) places.set(field, [...path, key]);
  } else if (field.selectionSet && !(key in value)) {
    value[key] = null;
    unasked(field, [...path, key], refused, places);
  } else if (field.selectionSet) {
    clear(value[key], field.selectionSet, [...path, key], refused, places);
  }
  if (written.has(key) || !(key in value)) return;
  written.add(key);
  const content = value[key];
  delete value[key]; // written again, it stands where the document has it
  value[key] = content;
}

/** Notes the refused fields below one of which nothing was asked, and the field itself if it may not be null. */
function unasked(field, path, refused, places) {
  const below = [];
  const note = ({ selectionSet }, place) => {
    for (const selection of selectionSet.selections) {
      if (!isIncluded(selection, refused.variableValues)) continue;
      if (selection.kind !== Kind.FIELD) {
        const isSpread = selection.kind === Kind.FRAGMENT_SPREAD;
        note(isSpread ? definitionOf(selection, refused.document) : selection, place);
        continue;
      }
      const here = [...place, selection.alias?.value ?? selection.name.value];
      if (refused.nodes.has(selection)) below.push([selection, here]);
      else if (selection.selectionSet) note(selection, here);
    }
  };
  note(field, path);
  for (const [node, place] of below) if (!places.has(node)) places.set(node, place);
  if (isRequired(field, refused)) refused.nodes.get(below[0][0]).isNonNull = true;
}

function isRequired(field, { schema, document }) {
  const info = new TypeInfo(schema);
  let required = false;
  const Field = (node) => {
    if (node === field) required = isNonNullType(info.getType());
  };
  visit(document, visitWithTypeInfo(info, { Field }));
  return required;
}

function isIncluded(node, variableValues) {
  return (
    getDirectiveValues(GraphQLSkipDirective, node, variableValues)?.if !== true &&
    getDirectiveValues(GraphQLIncludeDirective, node, variableValues)?.if !== false
  );
}

function definitionOf(spread, document) {
  return document.definitions.find(
    (definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === spread.name.value,
  );
}

function appliesTo(value, typeCondition, schema) {
  if (!typeCondition || value.__typename === undefined) return true;
  const isConcrete = isObjectType(schema.getType(typeCondition.name.value));
  return !isConcrete || value.__typename === typeCondition.name.value;
}
