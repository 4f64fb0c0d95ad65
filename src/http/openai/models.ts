import { AppError } from "../../core/errors.ts"
import { namedModels } from "../../dialects/models.ts"
import type { App, AppContext } from "../context.ts"
import { dialectOf } from "../dialect.ts"
import { resource, servicesOf } from "../resource.ts"

/** When the names were set is known nowhere. */
const CREATED_AT = 0

/** The names that this deployment gives to models. Others are passed on to their vendors, whose lists are not ours. */
export function mountModels(app: App): void {
  resource(app, "/v1/models", { GET: { scope: "any", handle: listModels } })
  // A name may hold slashes, and clients do not agree on whether to encode them.
  resource(app, "/v1/models/:model{.+}", { GET: { scope: "any", handle: getModel } })
}

interface Named {
  name: string
  ownedBy: string
}

function listModels(c: AppContext): Response {
  const models = namedModels(servicesOf(c).config)
  const data = models.map((model) => present(c, model))
  if (dialectOf(c) === "openai") return c.json({ object: "list", data })
  const ends = { first_id: models[0]?.name ?? null, last_id: models.at(-1)?.name ?? null }
  return c.json({ data, has_more: false, ...ends })
}

function getModel(c: AppContext): Response {
  const asked = c.req.param("model")
  const model = namedModels(servicesOf(c).config).find(({ name }) => name === asked)
  if (model === undefined) {
    throw new AppError(
      "not_found",
      "No model has this name here. Those of vendors are not listed, and can be used.",
    )
  }
  return c.json(present(c, model))
}

function present(c: AppContext, { name, ownedBy }: Named): object {
  if (dialectOf(c) === "openai") return { id: name, object: "model", created: CREATED_AT, owned_by: ownedBy }
  return { type: "model", id: name, display_name: name, created_at: new Date(CREATED_AT).toISOString() }
}
