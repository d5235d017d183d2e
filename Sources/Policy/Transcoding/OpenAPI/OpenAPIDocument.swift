package import Bytes
internal import JSON
internal import Protobuf

/// What can be called by HTTP, as an OpenAPI 3.1 document. Written where schemas change, never for a request.
package struct OpenAPIDocument {
    /// What holds for a call besides its schema.
    package struct Terms {
        /// Every call needs a token.
        package var needsToken = false
        package var scopes: [String] = []
        /// Tokens are looked at, also where none is needed.
        package var checksTokens = false
        /// There is a rule besides that a caller is needed, or a plan, that may refuse one.
        package var mayDeny = false
        /// As a configuration writes them.
        package var limits: [String] = []
        /// There are other limits: a plan's, or the one of failed logins.
        package var hasOtherLimits = false
        package var timeout: Duration?

        package init() {}
    }

    private struct Operation {
        var verb: String
        var tree: JSONTree
    }

    private let title: String
    private var paths: [(path: String, operations: [Operation])] = []
    private var places: [String: Int] = [:]
    private var tags: [String] = []
    private var identifiers: Set<String> = []
    private var schemas = OpenAPISchemas()
    private var needsTokens = false

    /// What a path item can hold; other methods of HTTP it has no place for.
    private static var verbs: Set<String> { ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"] }
    /// Messages within the message of a query, at most.
    private static var queryDepthMax: Int { 4 }

    package init(title: String) { self.title = title }

    /// Adds a call, unless one with the same path is there already: that one has it.
    package mutating func add(_ binding: Binding, of plan: TranscodingPlan, _ terms: Terms) {
        let method = plan.schema.methods[binding.method]
        guard Self.verbs.contains(binding.verb) else { return }
        let path = OpenAPIPath(binding, own: method.path)
        let place = places[path.text] ?? paths.count
        if place == paths.count {
            paths.append((path.text, []))
            places[path.text] = place
        }
        guard !paths[place].operations.contains(where: { $0.verb == binding.verb }) else { return }
        if !tags.contains(method.serviceName) { tags.append(method.serviceName) }
        if terms.needsToken { needsTokens = true }
        let tree = operation(binding, method, path, plan, terms)
        paths[place].operations.append(Operation(verb: binding.verb, tree: tree))
    }

    // MARK: one call

    private mutating func operation(
        _ binding: Binding, _ method: MethodSchema, _ path: OpenAPIPath, _ plan: TranscodingPlan, _ terms: Terms
    ) -> JSONTree {
        var identifier = method.fullName
        var number = 2
        while !identifiers.insert(identifier).inserted {
            identifier = "\(method.fullName)_\(number)"
            number += 1
        }
        var tree: JSONTree = [
            "operationId": .text(identifier), "tags": [.text(method.serviceName)], "summary": .text(method.name),
            "x-grpc-method": .text(method.path),
        ]
        var parameters = path.parameters.map { parameter($0, plan) }
        parameters += query(binding, plan)
        if !parameters.isEmpty { tree.add("parameters", .list(parameters)) }
        if let content = requestContent(binding, plan) { tree.add("requestBody", ["required": true, "content": content]) }
        tree.add("responses", responses(binding, method, plan, terms))
        if terms.needsToken { tree.add("security", [["token": .list(terms.scopes.map { .text($0) })]]) }
        if !terms.limits.isEmpty { tree.add("x-limits", .list(terms.limits.map { .text($0) })) }
        if let timeout = terms.timeout { tree.add("x-timeout", .text("\(timeout)")) }
        return tree
    }

    private mutating func parameter(_ parameter: OpenAPIPath.Parameter, _ plan: TranscodingPlan) -> JSONTree {
        var tree: JSONTree = ["name": .text(parameter.name), "in": "path", "required": true]
        if let pattern = parameter.pattern, let field = parameter.field {
            tree.add("description", .text("A part of \(field.pointee.name), which is \(pattern)."))
            tree.add("schema", ["type": "string"])
        } else {
            tree.add("schema", parameter.field.map { schemas.text($0, plan) } ?? ["type": "string"])
        }
        return parameter.takesRest ? tree.adding("x-takes-slashes", true) : tree
    }

    /// What neither path nor body has is in the query.
    private mutating func query(_ binding: Binding, _ plan: TranscodingPlan) -> [JSONTree] {
        if case .message = binding.body { return [] }
        var found: [JSONTree] = []
        collect(binding.input, [], binding, plan, into: &found)
        return found
    }

    private mutating func collect(
        _ message: UnsafePointer<MessageSchema>, _ way: [UnsafePointer<FieldSchema>], _ binding: Binding, _ plan: TranscodingPlan,
        into found: inout [JSONTree]
    ) {
        for index in 0..<message.pointee.fieldCount {
            let field = message.pointee.fields + index
            let fields = way + [field]
            if case .field(let body) = binding.body, way.isEmpty, body == field { continue }
            guard field.pointee.shape != .map, !binding.variables.contains(where: { $0.fields == fields }) else { continue }
            if let inner = field.pointee.message, inner.pointee.wellKnown == .none {
                let isAgain = way.contains { $0.pointee.message == inner } || inner == binding.input
                guard field.pointee.shape == .singular, fields.count < Self.queryDepthMax, !isAgain else { continue }
                collect(inner, fields, binding, plan, into: &found)
            } else if field.hasTextForm {
                let name = fields.map { OpenAPISchemas.name(of: $0, plan) }.joined(separator: ".")
                found.append(["name": .text(name), "in": "query", "schema": schemas.text(field, plan)])
            }
        }
    }

    private mutating func requestContent(_ binding: Binding, _ plan: TranscodingPlan) -> JSONTree? {
        var body: JSONTree
        switch binding.body {
        case .none: return nil
        case .message:
            if binding.template != nil, binding.input.pointee.wellKnown == .httpBody { return ["*/*": [:]] }
            body = schemas.message(binding.input, plan)
        case .field(let field):
            if field.isRawBody { return ["*/*": [:]] }
            body = schemas.field(field, plan)
        }
        guard binding.clientStreams else { return ["application/json": ["schema": body]] }
        return ["application/x-ndjson": ["schema": body], "application/json": ["schema": ["type": "array", "items": body]]]
    }

    private mutating func responses(
        _ binding: Binding, _ method: MethodSchema, _ plan: TranscodingPlan, _ terms: Terms
    ) -> JSONTree {
        var content: JSONTree
        let isRaw =
            binding.template != nil
            && (binding.responseField?.isRawBody ?? (binding.output.pointee.wellKnown == .httpBody))
        if isRaw {
            content = ["*/*": [:]]
        } else {
            let answer = binding.responseField.map { schemas.field($0, plan) } ?? schemas.message(binding.output, plan)
            content = ["application/json": ["schema": answer]]
            if method.serverStreams {
                content = [
                    "application/x-ndjson": ["schema": answer],
                    "application/json": ["schema": ["type": "array", "items": answer]],
                    "text/event-stream": ["schema": answer],
                ]
            }
        }
        var tree: JSONTree = ["200": ["description": "OK", "content": content]]
        tree.add("400", ["$ref": "#/components/responses/InvalidArgument"])
        if terms.needsToken || terms.checksTokens { tree.add("401", ["$ref": "#/components/responses/Unauthenticated"]) }
        if terms.needsToken || terms.mayDeny { tree.add("403", ["$ref": "#/components/responses/PermissionDenied"]) }
        if !terms.limits.isEmpty || terms.hasOtherLimits {
            tree.add("429", ["$ref": "#/components/responses/ResourceExhausted"])
        }
        tree.add("503", ["$ref": "#/components/responses/Unavailable"])
        if terms.timeout != nil { tree.add("504", ["$ref": "#/components/responses/DeadlineExceeded"]) }
        return tree.adding("default", ["$ref": "#/components/responses/Error"])
    }

    // MARK: the whole

    package consuming func write(to buffer: inout ByteBuffer) {
        let paths = JSONTree.object(
            paths.map { path in
                (path.path, .object(path.operations.map { ($0.verb.lowercased(), $0.tree) }))
            })
        var components: JSONTree = ["schemas": .object([("google.rpc.Status", Self.status)] + schemas.components())]
        components.add(
            "responses",
            [
                "Error": Self.error("The call failed."), "Unauthenticated": Self.error("There is no good token."),
                "PermissionDenied": Self.error("The caller may not call this."),
                "ResourceExhausted": Self.error("A limit is reached; retry-after says for how long."),
                "InvalidArgument": Self.error("The request is malformed; the details name the field."),
                "Unavailable": Self.error("The service cannot be reached, or takes no more calls at present."),
                "DeadlineExceeded": Self.error("The time for the call is up."),
            ])
        if needsTokens {
            components.add("securitySchemes", ["token": ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"]])
        }
        let document: JSONTree = [
            "openapi": "3.1.0", "info": ["title": .text(title), "version": "1"], "servers": [["url": "/"]],
            "tags": .list(tags.map { ["name": .text($0)] }), "paths": paths, "components": components,
        ]
        var writer = JSONWriter()
        document.write(&writer, &buffer)
    }

    private static func error(_ description: String) -> JSONTree {
        [
            "description": .text(description),
            "content": ["application/json": ["schema": ["$ref": "#/components/schemas/google.rpc.Status"]]],
        ]
    }

    private static var status: JSONTree {
        [
            "type": "object",
            "properties": [
                "code": ["type": "integer", "format": "int32"], "message": ["type": "string"],
                "details": ["type": "array", "items": ["type": "object", "properties": ["@type": ["type": "string"]]]],
            ],
        ]
    }
}
