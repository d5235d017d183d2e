package import Sockets

extension ChannelEnd {
    /// What was short was short here.
    package var isShortage: Bool {
        guard case .unreachable(let code) = self else { return false }
        return DescriptorShortage.isShortage(code)
    }
}
