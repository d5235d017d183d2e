internal import Bytes
package import Protobuf

/// google/rpc/error_details.proto: what errors carry that no method of a service mentions, so that reflection and descriptor
/// sets often leave it out.
package enum ErrorDetails {
    /// The files with whatever of it they do not have; `nil` where they have it.
    package static func joined(to files: [[UInt8]], of schema: Schema) -> [[UInt8]]? {
        guard schema.message(fullName: "google.rpc.ErrorInfo") == nil else { return nil }
        let hasDuration = schema.message(fullName: "google.protobuf.Duration") != nil
        return files + (hasDuration ? known.suffix(1) : known[...])
    }

    /// google/protobuf/duration.proto, and the file itself.
    private static let known: [[UInt8]] = {
        var set = ByteBuffer()
        let text: StaticString = descriptors
        _ = Base64.decode(BorrowedBytes(text), into: &set)
        return (try? DescriptorSet.files(in: Array(set.readable))) ?? []
    }()

    /// Written by `protoc --include_imports --descriptor_set_out`.
    private static let descriptors: StaticString = """
        CvsBCh5nb29nbGUvcHJvdG9idWYvZHVyYXRpb24ucHJvdG8SD2dvb2dsZS5wcm90b2J1ZiI6CghEdXJhdGlvbhIYCgdzZWNvbmRzGAEgASgDUgdzZWNv\
        bmRzEhQKBW5hbm9zGAIgASgFUgVuYW5vc0KDAQoTY29tLmdvb2dsZS5wcm90b2J1ZkINRHVyYXRpb25Qcm90b1ABWjFnb29nbGUuZ29sYW5nLm9yZy9w\
        cm90b2J1Zi90eXBlcy9rbm93bi9kdXJhdGlvbnBi+AEBogIDR1BCqgIeR29vZ2xlLlByb3RvYnVmLldlbGxLbm93blR5cGVzYgZwcm90bzMKrQgKHmdv\
        b2dsZS9ycGMvZXJyb3JfZGV0YWlscy5wcm90bxIKZ29vZ2xlLnJwYxoeZ29vZ2xlL3Byb3RvYnVmL2R1cmF0aW9uLnByb3RvIrkBCglFcnJvckluZm8S\
        FgoGcmVhc29uGAEgASgJUgZyZWFzb24SFgoGZG9tYWluGAIgASgJUgZkb21haW4SPwoIbWV0YWRhdGEYAyADKAsyIy5nb29nbGUucnBjLkVycm9ySW5m\
        by5NZXRhZGF0YUVudHJ5UghtZXRhZGF0YRo7Cg1NZXRhZGF0YUVudHJ5EhAKA2tleRgBIAEoCVIDa2V5EhQKBXZhbHVlGAIgASgJUgV2YWx1ZToCOAEi\
        RwoJUmV0cnlJbmZvEjoKC3JldHJ5X2RlbGF5GAEgASgLMhkuZ29vZ2xlLnByb3RvYnVmLkR1cmF0aW9uUgpyZXRyeURlbGF5Io4ECgxRdW90YUZhaWx1\
        cmUSQgoKdmlvbGF0aW9ucxgBIAMoCzIiLmdvb2dsZS5ycGMuUXVvdGFGYWlsdXJlLlZpb2xhdGlvblIKdmlvbGF0aW9ucxq5AwoJVmlvbGF0aW9uEhgK\
        B3N1YmplY3QYASABKAlSB3N1YmplY3QSIAoLZGVzY3JpcHRpb24YAiABKAlSC2Rlc2NyaXB0aW9uEh8KC2FwaV9zZXJ2aWNlGAMgASgJUgphcGlTZXJ2\
        aWNlEiEKDHF1b3RhX21ldHJpYxgEIAEoCVILcXVvdGFNZXRyaWMSGQoIcXVvdGFfaWQYBSABKAlSB3F1b3RhSWQSYgoQcXVvdGFfZGltZW5zaW9ucxgG\
        IAMoCzI3Lmdvb2dsZS5ycGMuUXVvdGFGYWlsdXJlLlZpb2xhdGlvbi5RdW90YURpbWVuc2lvbnNFbnRyeVIPcXVvdGFEaW1lbnNpb25zEh8KC3F1b3Rh\
        X3ZhbHVlGAcgASgDUgpxdW90YVZhbHVlEjEKEmZ1dHVyZV9xdW90YV92YWx1ZRgIIAEoA0gAUhBmdXR1cmVRdW90YVZhbHVliAEBGkIKFFF1b3RhRGlt\
        ZW5zaW9uc0VudHJ5EhAKA2tleRgBIAEoCVIDa2V5EhQKBXZhbHVlGAIgASgJUgV2YWx1ZToCOAFCFQoTX2Z1dHVyZV9xdW90YV92YWx1ZSLAAQoKQmFk\
        UmVxdWVzdBJQChBmaWVsZF92aW9sYXRpb25zGAEgAygLMiUuZ29vZ2xlLnJwYy5CYWRSZXF1ZXN0LkZpZWxkVmlvbGF0aW9uUg9maWVsZFZpb2xhdGlv\
        bnMaYAoORmllbGRWaW9sYXRpb24SFAoFZmllbGQYASABKAlSBWZpZWxkEiAKC2Rlc2NyaXB0aW9uGAIgASgJUgtkZXNjcmlwdGlvbhIWCgZyZWFzb24Y\
        AyABKAlSBnJlYXNvbmIGcHJvdG8z
        """
}
