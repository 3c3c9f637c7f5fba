// What an operation costs, before anything of it runs: an object counts 1, a leaf 0, @cost and @listSize say otherwise.

import { getNamedType, getNullableType, isAbstractType, isCompositeType, isListType, Kind, valueFromASTUntyped } from 'graphql';

const MUTATION_COST = 10; // of each field: it locks and writes
const MOST_FIELDS = 5_000; // with all fragments unfolded; what is larger costs too much by itself

/** The document unfolds to more fields than anybody may ask for. */
export class TooManyFields extends Error {}

/**
 * The price of an operation as a function of its variables; made once for a document. `owners` tells which subgraph has
 * a field, so that an object which another subgraph must look up for its own fields counts once more for that.
 *
 * Fields that are asked twice under one name count once, as they are answered; aliases count by themselves. The document
 * is valid. Throws TooManyFields.
 */
export function costFormula({ schema, owners }, document, operation) {
  const fragments = new Map(
    document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).map((one) => [one.name.value, one]),
  );
  const defaults = Object.fromEntries(
    (operation.variableDefinitions ?? [])
      .filter(({ defaultValue }) => defaultValue)
      .map(({ variable, defaultValue }) => [variable.name.value, valueFromASTUntyped(defaultValue)]),
  );
  const root = schema.getRootType(operation.operation);
  let unfolded = 0;
  const formula = selectionCost([{ selectionSet: operation.selectionSet, conditions: [] }], root, undefined);
  return (variables) => formula({ ...defaults, ...variables });

  function selectionCost(selected, type, owner, sizes = {}) {
    if (!isAbstractType(type)) return objectCost(selected, type, owner, sizes);
    const formulas = schema.getPossibleTypes(type).map((possible) => objectCost(selected, possible, owner, sizes));
    return (variables) => Math.max(0, ...formulas.map((each) => each(variables)));
  }

  function objectCost(selected, type, owner, sizes) {
    const fields = [...collect(selected, type)].map(([, nodes]) => fieldCost(nodes, type, owner, sizes));
    const others = new Map(); // the subgraphs that must look the object up, and the fields they are asked for
    for (const { isIncluded, elsewhere } of fields) {
      if (elsewhere) others.set(elsewhere, [...(others.get(elsewhere) ?? []), isIncluded]);
    }
    const lookups = [...others.values()];
    return (variables) => {
      let sum = 0;
      for (const field of fields) if (field.isIncluded(variables)) sum += field.cost(variables);
      for (const asked of lookups) if (asked.some((isIncluded) => isIncluded(variables))) sum += 1;
      return sum;
    };
  }

  function fieldCost(nodes, parent, owner, sizes) {
    const isIncluded = (variables) => nodes.some(({ conditions }) => conditions.every((holds) => holds(variables)));
    const name = nodes[0].node.name.value;
    unfolded += nodes.length;
    if (unfolded > MOST_FIELDS) throw new TooManyFields();
    const field = parent.getFields()[name];
    if (field === undefined) return { isIncluded, cost: () => 0 }; // __typename, __schema, __type
    const among = owners.ofField(parent.name, name);
    const answers = owner === undefined || among.includes(owner) ? (owner ?? among[0]) : among[0];
    const isElsewhere = owner !== undefined && answers !== owner;
    const type = getNamedType(field.type);
    const listSize = directive(field, 'listSize');
    const size = sizeOf(field, listSize, nodes[0].node, sizes[name]);
    const sized = Object.fromEntries((listSize?.sizedFields ?? []).map((each) => [each, size]));
    const own = directive(field, 'cost')?.weight ?? (parent === schema.getMutationType() ? MUTATION_COST : 0);
    const each = directive(type, 'cost')?.weight ?? (isCompositeType(type) ? 1 : 0);
    const inner = nodes.map(({ node, conditions }) => ({ selectionSet: node.selectionSet, conditions }));
    const below = isCompositeType(type) ? selectionCost(inner, type, answers, sized) : () => 0;
    const many = isListType(getNullableType(field.type)) ? size : () => 1;
    return {
      isIncluded,
      elsewhere: isElsewhere ? answers : undefined,
      cost: (variables) => own + many(variables) * (each + below(variables)),
    };
  }

  /**
   * The fields of an object of that type by response key, with the conditions under which each is there. A fragment that
   * is spread again counts as always there: nobody unfolds it more than twice.
   */
  function collect(selected, type, found = new Map(), visits = new Map()) {
    for (const { selectionSet, conditions } of selected) {
      for (const node of selectionSet?.selections ?? []) {
        const now = [...conditions, ...conditionsOf(node)];
        if (node.kind === Kind.FIELD) {
          const key = node.alias?.value ?? node.name.value;
          if (!found.has(key)) found.set(key, []);
          found.get(key).push({ node, conditions: now });
          continue;
        }
        const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node;
        const before = visits.get(fragment);
        if (before === 'always' || !applies(fragment.typeCondition, type)) continue;
        const holding = before ? [] : now;
        visits.set(fragment, holding.length === 0 ? 'always' : 'maybe');
        collect([{ selectionSet: fragment.selectionSet, conditions: holding }], type, found, visits);
      }
    }
    return found;
  }

  function applies(condition, type) {
    if (!condition || condition.name.value === type.name) return true;
    const wider = schema.getType(condition.name.value);
    return isAbstractType(wider) && schema.isSubType(wider, type);
  }
}

/** How long the list of a field is said to be: what its parent's @listSize or its own says, from arguments where it can. */
function sizeOf(field, listSize, node, inherited) {
  if (inherited) return inherited;
  const assumed = listSize?.assumedSize ?? 1;
  const slicing = (listSize?.slicingArguments ?? [])
    .map((name) => node.arguments.find((given) => given.name.value === name)?.value)
    .filter(Boolean)
    .map((value) => (variables) => valueFromASTUntyped(value, variables));
  return (variables) => {
    const said = slicing.map((read) => read(variables)).filter((value) => Number.isInteger(value) && value >= 0);
    return said.length > 0 ? Math.max(...said) : assumed;
  };
}

function conditionsOf(node) {
  return (node.directives ?? [])
    .filter(({ name }) => name.value === 'skip' || name.value === 'include')
    .map(({ name, arguments: given }) => {
      const value = given[0]?.value;
      const expected = name.value === 'include';
      return (variables) => valueFromASTUntyped(value, variables) === expected;
    });
}

/** The arguments of a directive in the schema as an object; undefined where it does not stand. */
function directive(definition, name) {
  const found = definition.astNode?.directives?.find((each) => each.name.value === name);
  return found && Object.fromEntries(found.arguments.map(({ name: key, value }) => [key.value, valueFromASTUntyped(value)]));
}
