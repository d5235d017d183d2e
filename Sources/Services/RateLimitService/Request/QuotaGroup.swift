internal import Bytes

/// What descriptors with `quota_mode` refuse together for: one model of one backend, as envoyproxy/ratelimit groups them. A descriptor that
/// names neither is a group by itself, with its like.
enum QuotaGroup {
    static func isOne(_ one: ArraySlice<LimitQuery.Entry>, _ other: ArraySlice<LimitQuery.Entry>) -> Bool {
        let (first, second) = (model(of: one), model(of: other))
        if first.isNamed || second.isNamed {
            return first.isNamed && second.isNamed && first.backend.elementsEqual(second.backend)
                && first.name.elementsEqual(second.name)
        }
        return one.count == other.count
            && zip(one, other).allSatisfy { $0.key.elementsEqual($1.key) && $0.value.elementsEqual($1.value) }
    }

    private struct Model {
        var backend = UnsafeRawBufferPointer(start: nil, count: 0)
        var name = UnsafeRawBufferPointer(start: nil, count: 0)

        var isNamed: Bool { backend.count > 0 || name.count > 0 }
    }

    private static func model(of entries: ArraySlice<LimitQuery.Entry>) -> Model {
        var model = Model()
        for entry in entries {
            if entry.key.equals("backend_name") { model.backend = entry.value }
            if entry.key.equals("model_name_override") { model.name = entry.value }
        }
        return model
    }
}
