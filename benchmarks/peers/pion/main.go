// A small WHIP and WHEP server of Pion's library: what a publisher sends is written to a
// TrackLocalStaticRTP per track, which is Pion's own fan-out. POST /NAME/whip, POST /NAME/whep.
package main

import (
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
)

type stream struct {
	mutex  sync.Mutex
	tracks map[webrtc.RTPCodecType]*webrtc.TrackLocalStaticRTP
}

var (
	api     *webrtc.API
	mutex   sync.Mutex
	streams = map[string]*stream{}
)

func named(name string) *stream {
	mutex.Lock()
	defer mutex.Unlock()
	if streams[name] == nil {
		streams[name] = &stream{tracks: map[webrtc.RTPCodecType]*webrtc.TrackLocalStaticRTP{}}
	}
	return streams[name]
}

func (s *stream) receive(remote *webrtc.TrackRemote) {
	local, err := webrtc.NewTrackLocalStaticRTP(
		remote.Codec().RTPCodecCapability, remote.Kind().String(), "bench")
	if err != nil {
		log.Print(err)
		return
	}
	s.mutex.Lock()
	s.tracks[remote.Kind()] = local
	s.mutex.Unlock()
	buffer := make([]byte, 1500)
	for {
		count, _, err := remote.Read(buffer)
		if err != nil {
			return
		}
		// A viewer that is gone is none of the publisher's business.
		_, _ = local.Write(buffer[:count])
	}
}

func answer(peer *webrtc.PeerConnection, w http.ResponseWriter, offer string) error {
	description := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}
	if err := peer.SetRemoteDescription(description); err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(peer)
	local, err := peer.CreateAnswer(nil)
	if err != nil {
		return err
	}
	if err := peer.SetLocalDescription(local); err != nil {
		return err
	}
	<-gathered
	w.Header().Set("Content-Type", "application/sdp")
	w.WriteHeader(http.StatusCreated)
	_, err = io.WriteString(w, peer.LocalDescription().SDP)
	return err
}

func play(peer *webrtc.PeerConnection, s *stream) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, track := range s.tracks {
		sender, err := peer.AddTrack(track)
		if err != nil {
			return err
		}
		go func() { // RTCP has to be read for interceptors to see it
			buffer := make([]byte, 1500)
			for {
				if _, _, err := sender.Read(buffer); err != nil {
					return
				}
			}
		}()
	}
	return nil
}

func serve(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.Method != http.MethodPost || len(parts) != 2 {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	peer, err := api.NewPeerConnection(webrtc.Configuration{})
	if err == nil {
		peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
			if state == webrtc.PeerConnectionStateFailed {
				_ = peer.Close()
			}
		})
		s := named(parts[0])
		if parts[1] == "whip" {
			peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { s.receive(track) })
		} else {
			err = play(peer, s)
		}
	}
	if err == nil {
		err = answer(peer, w, string(body))
	}
	if err != nil {
		log.Print(err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func main() {
	address := flag.String("http", "127.0.0.1:0", "HTTP address")
	ice := flag.String("ice", "127.0.0.1:0", "UDP address of all sessions")
	flag.Parse()
	udp, err := net.ResolveUDPAddr("udp4", *ice)
	if err != nil {
		log.Fatal(err)
	}
	conn, err := net.ListenUDP("udp4", udp)
	if err != nil {
		log.Fatal(err)
	}
	settings := webrtc.SettingEngine{}
	settings.SetLite(true)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEUDPMux(webrtc.NewICEUDPMux(nil, conn))
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		log.Fatal(err)
	}
	interceptors := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(media, interceptors); err != nil {
		log.Fatal(err)
	}
	api = webrtc.NewAPI(
		webrtc.WithSettingEngine(settings),
		webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(interceptors),
	)
	http.HandleFunc("/", serve)
	log.Fatal(http.ListenAndServe(*address, nil))
}
